#include "pages/status_assets.h"

#include <sodium.h>

#include <array>

#include "pages/paths.h"

namespace mbr::pages {

// Of status.css and status.js.
const std::string& statusStyle();
const std::string& statusScript();

namespace {

// 16 hexadecimal digits of a SHA-256.
std::string digestOf(const std::string& text) {
  std::array<unsigned char, crypto_hash_sha256_BYTES> digest{};
  crypto_hash_sha256(digest.data(), reinterpret_cast<const unsigned char*>(text.data()),
                     text.size());
  std::array<char, 17> hex{};
  sodium_bin2hex(hex.data(), hex.size(), digest.data(), 8);
  return hex.data();
}

}  // namespace

StatusAssets::StatusAssets()
    : style_(made("style", ".css", "text/css; charset=utf-8", statusStyle())),
      script_(made("script", ".js", "text/javascript; charset=utf-8", statusScript())) {}

StatusAssets::Asset StatusAssets::made(const char* name, const char* ending,
                                       const char* contentType, const std::string& text) {
  return {std::string(kStatusPath) + "/" + name + "-" + digestOf(text) + ending, contentType,
          std::make_shared<const std::string>(text)};
}

void StatusAssets::registerOn(http::Router& router) const {
  registerOn(router, style_);
  registerOn(router, script_);
}

void StatusAssets::registerOn(http::Router& router, const Asset& asset) {
  router.add("GET", asset.path,
             [asset](const http::Request&, const http::PathParams&, const http::Reply& reply) {
               http::Response response;
               response.contentType = asset.contentType;
               response.sharedBody = asset.text;
               response.with("Cache-Control", "public, max-age=31536000, immutable")
                   .with("X-Content-Type-Options", "nosniff");
               reply.send(std::move(response));
             });
}

}  // namespace mbr::pages
