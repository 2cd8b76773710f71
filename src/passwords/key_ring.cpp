#include "passwords/key_ring.h"

#include <sodium.h>

#include <algorithm>
#include <cctype>
#include <stdexcept>
#include <utility>

#include "base/encoding.h"
#include "passwords/key_file.h"

namespace mbr::passwords {
namespace {

constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kMaxIdLength = 16;

bool isKeyId(std::string_view text) {
  return !text.empty() && text.size() <= kMaxIdLength &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; });
}

Error badLine(const std::string& path, int line, const char* what) {
  return {Code::kInvalid, path + ": line " + std::to_string(line) + ": " + what};
}

Secret newLine(const std::string& id, Random& random) {
  const Secret bytes = Secret::take(random.bytes(kKeyBytes));
  const Secret digits = Secret::take(toHex(bytes.reveal()));
  std::string line;
  line.reserve(id.size() + digits.size() + 2);  // grown at once: no copy is left behind unwiped
  line.append(id).append(":").append(digits.reveal()).append("\n");
  return Secret::take(std::move(line));
}

std::string newId(Random& random) { return toHex(random.bytes(4)); }

}  // namespace

std::string hmacSha256(const Secret& key, std::string_view bytes) { return Hmac(key).of(bytes); }

struct Hmac::Ready {
  crypto_auth_hmacsha256_state state;
};

Hmac::Hmac(const Secret& key) : ready_(std::make_unique<Ready>()) {
  crypto_auth_hmacsha256_init(
      &ready_->state, reinterpret_cast<const unsigned char*>(key.reveal().data()), key.size());
}

Hmac::~Hmac() {
  if (ready_) sodium_memzero(ready_.get(), sizeof *ready_);
}

Hmac::Hmac(Hmac&&) noexcept = default;

Hmac& Hmac::operator=(Hmac&& other) noexcept {
  std::swap(ready_, other.ready_);
  return *this;
}

std::string Hmac::of(std::string_view bytes) const {
  crypto_auth_hmacsha256_state state = ready_->state;
  crypto_auth_hmacsha256_update(&state, reinterpret_cast<const unsigned char*>(bytes.data()),
                                bytes.size());
  std::string out(crypto_auth_hmacsha256_BYTES, '\0');
  crypto_auth_hmacsha256_final(&state, reinterpret_cast<unsigned char*>(out.data()));
  sodium_memzero(&state, sizeof state);
  return out;
}

Result<KeyRing> KeyRing::load(const std::string& path) {
  if (sodium_init() < 0) throw std::runtime_error("libsodium could not be initialised");
  const auto text = readKeyFile(path);
  if (!text) return text.error();
  return parse(path, text->reveal());
}

Result<KeyRing> KeyRing::parse(const std::string& path, std::string_view text) {
  KeyRing ring;
  for (int number = 1; !text.empty(); ++number) {
    const auto end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    while (!line.empty() && (line.back() == ' ' || line.back() == '\t' || line.back() == '\r')) {
      line.remove_suffix(1);
    }
    if (line.empty() || line.front() == '#') continue;
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || !isKeyId(line.substr(0, colon))) {
      return badLine(path, number, "expected ID:HEX64 with an id of 1 to 16 letters and digits");
    }
    auto bytes = fromHex(line.substr(colon + 1));
    if (!bytes || bytes->size() != kKeyBytes) {
      if (bytes) wipe(*bytes);
      return badLine(path, number, "expected 64 hexadecimal digits after the id");
    }
    const std::string_view id = line.substr(0, colon);
    if (ring.has(id)) return badLine(path, number, "expected each id only once");
    ring.keys_.push_back({std::string(id), Secret::take(std::move(*bytes))});
  }
  if (ring.keys_.empty()) return Error{Code::kInvalid, path + ": expected at least one key"};
  return ring;
}

Outcome KeyRing::create(const std::string& path, Random& random) {
  return createKeyFile(path, newLine(newId(random), random).reveal());
}

Outcome KeyRing::rotate(const std::string& path, Random& random) {
  const auto text = readKeyFile(path);
  if (!text) return text.error();
  const auto ring = parse(path, text->reveal());
  if (!ring) return ring.error();
  std::string id = newId(random);
  while (ring->has(id)) id = newId(random);
  const Secret line = newLine(id, random);
  std::string whole;
  whole.reserve(line.size() + text->size());
  whole.append(line.reveal()).append(text->reveal());
  const Secret replacement = Secret::take(std::move(whole));
  return replaceKeyFile(path, replacement.reveal());
}

std::vector<std::string> KeyRing::ids() const {
  std::vector<std::string> out;
  for (const Key& key : keys_) out.push_back(key.id);
  return out;
}

const KeyRing::Key* KeyRing::find(std::string_view keyId) const {
  const auto found =
      std::find_if(keys_.begin(), keys_.end(), [&](const Key& key) { return key.id == keyId; });
  return found == keys_.end() ? nullptr : &*found;
}

bool KeyRing::has(std::string_view keyId) const { return find(keyId) != nullptr; }

Result<Secret> KeyRing::subkey(std::string_view purpose, std::string_view keyId) const {
  const Key* key = find(keyId);
  if (key == nullptr) {
    return Error{Code::kNotFound,
                 "the master key file has no key with the id " + std::string(keyId)};
  }
  return Secret::take(hmacSha256(key->bytes, "membergate/" + std::string(purpose)));
}

Result<std::string> KeyRing::mac(std::string_view purpose, std::string_view bytes,
                                 std::string_view keyId) const {
  const auto key = subkey(purpose, keyId);
  if (!key) return key.error();
  return hmacSha256(*key, bytes);
}

std::string KeyRing::mac(std::string_view purpose, std::string_view bytes) const {
  return mac(purpose, bytes, currentId()).value();
}

Result<std::string> KeyRing::checkValue(std::string_view keyId) const {
  const auto value = mac("check-value", "", keyId);
  if (!value) return value.error();
  return toHex(value->substr(0, 8));
}

}  // namespace mbr::passwords
