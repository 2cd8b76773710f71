#include "members/password_links.h"

#include "base/encoding.h"

namespace mbr::members {
namespace {

constexpr std::size_t kTokenBytes = 32;
constexpr std::size_t kTokenLetters = 43;  // of 32 bytes in base64url
constexpr std::string_view kPath = "/membergate/link?t=";
constexpr std::string_view kTokenAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

// The token of a link's text; empty if it is none.
std::string_view tokenIn(std::string_view text) {
  if (text.size() < kPath.size() + kTokenLetters) return {};
  const std::string_view token = text.substr(text.size() - kTokenLetters);
  const std::string_view rest = text.substr(0, text.size() - kTokenLetters);
  const bool isPath = rest.substr(rest.size() - kPath.size()) == kPath;
  const bool isUrl = text.substr(0, 8) == "https://" || text.substr(0, 7) == "http://";
  const bool isToken = token.find_first_not_of(kTokenAlphabet) == std::string_view::npos;
  return isPath && isUrl && isToken ? token : std::string_view();
}

}  // namespace

PasswordLinks::Link PasswordLinks::mint(store::Transaction& tx, ContactId contact) const {
  const Secret bytes = Secret::take(random_.bytes(kTokenBytes));
  const Secret token = Secret::take(toBase64Url(bytes.reveal()));
  store::LinkRecord record;
  record.digest = digest(token.reveal());
  record.contactId = contact;
  record.createdAt = tx.now();
  record.expiresAt = tx.now() + options_.life;
  tx.saveLink(record);
  std::string url = options_.publicUrl;
  url += kPath;
  url += token.reveal();
  return {Secret::take(std::move(url)), record.expiresAt};
}

std::optional<ContactId> PasswordLinks::ownerOf(store::Reader& reader, const Secret& token,
                                                Instant now) const {
  if (token.reveal().size() != kTokenLetters) return std::nullopt;
  const auto link = reader.findLink(digest(token.reveal()));
  if (!link || link->usedAt || link->expiresAt <= now) return std::nullopt;
  return link->contactId;
}

bool PasswordLinks::isLink(const Secret& text) { return !tokenIn(text.reveal()).empty(); }

std::optional<ContactId> PasswordLinks::ownerOfLink(store::Reader& reader, const Secret& text,
                                                    Instant now) const {
  return ownerOf(reader, Secret(tokenIn(text.reveal())), now);
}

// Under the oldest key, so that links outlive a rotation.
std::string PasswordLinks::digest(std::string_view token) const {
  return keys_.mac("password-link", token, keys_.oldestId()).value();
}

}  // namespace mbr::members
