#include "domain/credential.h"

namespace mbr {

FieldDecision decideField(const FieldReading& field, bool hasCredential, bool jobOpen,
                          bool credentialNewer, PasswordPolicy policy) {
  if (jobOpen || credentialNewer) return FieldDecision::kIgnore;
  if (field.isOurLink) {
    // Whoever holds it can set a password, so none is due while it works.
    return hasCredential || field.linkInForce ? FieldDecision::kNothingToDo
                                              : FieldDecision::kMayIssue;
  }
  if (!field.empty) {
    return hasCredential && field.equalsSource ? FieldDecision::kNothingToDo
                                               : FieldDecision::kAdopt;
  }
  if (!hasCredential) return FieldDecision::kMayIssue;
  // Under `keep` an empty field means that the owner cleared it; under the others we emptied it.
  return policy == PasswordPolicy::kKeep ? FieldDecision::kMayIssue : FieldDecision::kNothingToDo;
}

}  // namespace mbr
