// What is kept locally to check a member's password.
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "domain/ids.h"

namespace mbr {

// fast: HMAC under a subkey of the master key, for passwords that lie in ActiveCampaign's field
// anyway. slow: argon2id, for passwords a member or the site chose.
enum class CredentialKind { kFast, kSlow };

enum class CredentialOrigin {
  kGenerated,  // by Membergate
  kDefault,    // the default_pass of a webhook
  kAdopted,    // found in ActiveCampaign's field
  kSet,        // by the member or the site
};

struct Credential {
  ContactId contactId = 0;
  CredentialKind kind = CredentialKind::kFast;
  CredentialOrigin origin = CredentialOrigin::kGenerated;
  std::string hash;  // fast: key id and digest; slow: PHC string
  // Keyed digest of the field's text that the credential was made of; empty once it was wiped.
  std::string source;
  Instant changedAt{};
  // When the field was emptied of it: a read that was sent before says nothing about it.
  std::optional<Instant> wipedAt{};
};

// What a fresh read of the password field means (table in DECISIONS, "What a fresh read of the
// field means"). Pure.
struct FieldReading {
  bool empty = true;
  bool isOurLink = false;     // a link to the page where a member sets a password
  bool linkInForce = false;   // and it still works
  bool equalsSource = false;  // the text is what the credential was made of
};
enum class PasswordPolicy { kKeep, kWipeAfter, kWipeOnLogin, kLink };
enum class FieldDecision {
  kIgnore,       // the text says nothing now
  kNothingToDo,  // it is what we know
  kAdopt,        // make a credential of it
  kMayIssue,     // nobody has a password: issue one if that was asked for
};
// `jobOpen`: an open password job of the contact. `credentialNewer`: the credential changed, or was
// wiped, after the read was sent. The issuing job itself passes jobOpen = false, since it is the
// one to decide.
FieldDecision decideField(const FieldReading& field, bool hasCredential, bool jobOpen,
                          bool credentialNewer, PasswordPolicy policy);

}  // namespace mbr
