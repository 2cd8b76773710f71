#include "pages/layout.h"

#include <sodium.h>

#include <algorithm>
#include <array>

namespace mbr::pages {
namespace {

// Nothing here comes from a request or from the texts: its hash is what lets it through.
constexpr std::string_view kStyle = R"(
:root { color-scheme: light dark; --ink: #1b1b1f; --paper: #fff; --line: #767680; --mark: #0b57d0;
  --on-mark: #fff; --alert: #a1120a; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8e8ed; --paper: #17171b; --line: #8c8c96;
  --mark: #a8c7fa; --on-mark: #0a2a5c; --alert: #ffb4ab; } }
* { box-sizing: border-box; }
body { margin: 0; padding: 8vh 1.25rem 2rem; background: var(--paper); color: var(--ink);
  font: 1.0625rem/1.5 system-ui, sans-serif; }
main { max-width: 24rem; margin: 0 auto; overflow-wrap: anywhere; }
h1 { margin: 0 0 1.25rem; font-size: 1.6rem; line-height: 1.25; }
.site { margin: 0 0 .25rem; }
[role=alert] { margin: 0 0 1.25rem; padding: .6rem .8rem; border: 1px solid currentColor;
  border-inline-start-width: .3rem; border-radius: .3rem; color: var(--alert); }
label { display: block; margin: 0 0 .25rem; font-weight: 600; }
input { display: block; width: 100%; margin: 0 0 1.1rem; padding: .6rem .7rem; font: inherit;
  color: inherit; background: transparent; border: 1px solid var(--line); border-radius: .3rem; }
button { display: block; width: 100%; margin: 1.5rem 0 1.25rem; padding: .7rem; font: inherit;
  font-weight: 600; color: var(--on-mark); background: var(--mark); border: 1px solid transparent;
  border-radius: .3rem; cursor: pointer; }
a { color: var(--mark); }
:focus-visible { outline: 3px solid var(--mark); outline-offset: 2px; }
)";

// The hash of a style sheet as a Content-Security-Policy names it.
std::string hashSource(std::string_view style) {
  std::array<unsigned char, crypto_hash_sha256_BYTES> digest{};
  crypto_hash_sha256(digest.data(), reinterpret_cast<const unsigned char*>(style.data()),
                     style.size());
  constexpr auto kVariant = sodium_base64_VARIANT_ORIGINAL;
  std::array<char, sodium_base64_ENCODED_LEN(crypto_hash_sha256_BYTES, kVariant)> text{};
  sodium_bin2base64(text.data(), text.size(), digest.data(), digest.size(), kVariant);
  return "'sha256-" + std::string(text.data()) + "'";
}

http::Response withPrivacy(http::Response response) {
  response.with("Cache-Control", "no-store").with("Referrer-Policy", "no-referrer");
  return response;
}

http::Response withSeal(http::Response response, const CsrfSeal& seal) {
  if (!seal.setCookie.empty()) response.with("Set-Cookie", seal.setCookie);
  return response;
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string attribute(std::string_view name, std::string_view value) {
  if (value.empty()) return "";
  return " " + std::string(name) + "=\"" + escaped(value) + "\"";
}

std::string hiddenInput(std::string_view name, std::string_view value) {
  return R"(<input type="hidden")" + attribute("name", name) + " value=\"" + escaped(value) + "\">";
}

Layout::Layout(Texts texts)
    : texts_(std::move(texts)),
      securityPolicy_("default-src 'none'; style-src " + hashSource(kStyle) +
                      "; form-action 'self'; base-uri 'none'; frame-ancestors 'none'") {}

http::Response Layout::page(const View& view) const {
  const std::string site = text(Text::kSiteName);
  Document page{view.status, view.title, "", "<main>\n", securityPolicy_};
  page.head.append("<style>").append(kStyle).append("</style>\n");
  if (!site.empty()) page.body += "<p class=\"site\">" + site + "</p>\n";
  page.body += contentOf(view) + "</main>\n";
  return document(page);
}

http::Response Layout::page(const View& view, const CsrfSeal& seal) const {
  return withSeal(page(view), seal);
}

http::Response Layout::document(const Document& document, const CsrfSeal& seal) const {
  return withSeal(this->document(document), seal);
}

http::Response Layout::document(const Document& document) const {
  const std::string site = text(Text::kSiteName);
  http::Response response;
  response.status = document.status;
  response.contentType = "text/html; charset=utf-8";
  std::string& out = response.body;
  out = "<!doctype html>\n<html" + attribute("lang", texts_[Text::kLang]) +
        attribute("dir", texts_[Text::kDirection]) +
        ">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>";
  out += text(document.title) + (site.empty() ? "" : " – " + site) + "</title>\n";
  out += document.head + "</head>\n<body>\n" + document.body + "</body>\n</html>\n";
  response.with("Content-Security-Policy", document.securityPolicy)
      .with("X-Content-Type-Options", "nosniff");
  return withPrivacy(std::move(response));
}

http::Response Layout::redirect(std::string target) {
  http::Response response;
  response.status = 303;
  response.contentType = "text/plain";
  response.with("Location", std::move(target));
  return withPrivacy(std::move(response));
}

std::string Layout::contentOf(const View& view) const {
  std::string out = "<h1>" + text(view.title) + "</h1>\n";
  std::string describedBy;  // ids of what belongs to every input
  const auto sentence = [&](std::string_view role, std::string_view id, Text words) {
    out += "<p" + attribute("role", role) + attribute("id", id) + ">" + text(words) + "</p>\n";
    describedBy.append(describedBy.empty() ? "" : " ").append(id);
  };
  if (view.alert) sentence("alert", "alert", *view.alert);
  if (view.intro) sentence("", "intro", *view.intro);
  if (view.form) out += formOf(*view.form, describedBy);
  if (view.link) {
    out +=
        "<p><a" + attribute("href", view.link->path) + ">" + text(view.link->text) + "</a></p>\n";
  }
  return out;
}

std::string Layout::formOf(const Form& form, std::string_view describedBy) const {
  std::string out = R"(<form method="post")" + attribute("action", form.action) + ">\n";
  for (const auto& [name, value] : form.hidden) out += hiddenInput(name, value) + "\n";
  const auto focused = std::find_if(form.inputs.begin(), form.inputs.end(),
                                    [](const Input& input) { return input.value.empty(); });
  for (auto input = form.inputs.begin(); input != form.inputs.end(); ++input) {
    out += inputOf(*input, describedBy, input == focused);
  }
  return out + "<button type=\"submit\">" + text(form.button) + "</button>\n</form>\n";
}

// An e-mail is no type="email", in which browsers rewrite what is beyond ASCII, or refuse it.
std::string Layout::inputOf(const Input& input, std::string_view describedBy, bool hasFocus) const {
  const bool isPassword = input.kind == Input::Kind::kPassword;
  std::string out = "<label" + attribute("for", input.name) + ">" + text(input.label) +
                    "</label>\n<input" + attribute("id", input.name) +
                    attribute("name", input.name);
  out += isPassword ? R"( type="password")"
                    : R"( type="text" inputmode="email" autocapitalize="none" spellcheck="false")";
  out += attribute("autocomplete", input.autocomplete) + attribute("value", input.value) +
         attribute("aria-describedby", describedBy) + " required";
  return out + (hasFocus ? " autofocus>\n" : ">\n");
}

}  // namespace mbr::pages
