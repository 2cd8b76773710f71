#include "passwords/sealer.h"

#include <sodium.h>

#include <utility>

#include "passwords/contact_bytes.h"

namespace mbr::passwords {
namespace {

// version (1) | length of key id (1) | key id | nonce (24) | ciphertext and tag
constexpr char kVersion = 1;
constexpr char kPurpose[] = "seal";
constexpr std::size_t kNonceBytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t kTagBytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;

const unsigned char* bytesOf(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

std::string Sealer::seal(const Secret& secret, ContactId contact) const {
  const std::string& id = keys_.currentId();
  const Secret key = keys_.subkey(kPurpose, id).value();
  const std::string nonce = random_.bytes(kNonceBytes);
  const std::string owner = contactBytes(contact);
  std::string text(secret.size() + kTagBytes, '\0');
  unsigned long long size = 0;
  crypto_aead_xchacha20poly1305_ietf_encrypt(
      reinterpret_cast<unsigned char*>(text.data()), &size, bytesOf(secret.reveal()), secret.size(),
      bytesOf(owner), owner.size(), nullptr, bytesOf(nonce), bytesOf(key.reveal()));
  std::string out{kVersion, static_cast<char>(id.size())};
  return out.append(id).append(nonce).append(text);
}

Result<Secret> Sealer::open(std::string_view sealed, ContactId contact) const {
  const Error broken{Code::kInvalid, "not a sealed text of this contact, or changed since"};
  if (sealed.size() < 2 || sealed[0] != kVersion) return broken;
  const auto idSize = static_cast<unsigned char>(sealed[1]);
  sealed.remove_prefix(2);
  if (sealed.size() < idSize + kNonceBytes + kTagBytes) return broken;
  const auto key = keys_.subkey(kPurpose, sealed.substr(0, idSize));
  if (!key) return key.error();
  const std::string_view nonce = sealed.substr(idSize, kNonceBytes);
  const std::string_view text = sealed.substr(idSize + kNonceBytes);
  const std::string owner = contactBytes(contact);
  std::string out(text.size() - kTagBytes, '\0');
  unsigned long long size = 0;
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(
          reinterpret_cast<unsigned char*>(out.data()), &size, nullptr, bytesOf(text), text.size(),
          bytesOf(owner), owner.size(), bytesOf(nonce), bytesOf(key->reveal())) != 0) {
    return broken;
  }
  return Secret::take(std::move(out));
}

}  // namespace mbr::passwords
