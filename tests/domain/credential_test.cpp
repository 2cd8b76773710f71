#include "domain/credential.h"

#include <cppunit/extensions/HelperMacros.h>

using namespace mbr;

// The table "What a fresh read of the field means", row by row.
class CredentialTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(CredentialTest);
  CPPUNIT_TEST(whileAJobIsOpenTheTextSaysNothing);
  CPPUNIT_TEST(aTextReadBeforeTheCredentialChangedSaysNothing);
  CPPUNIT_TEST(ourOwnLinkIsNoPassword);
  CPPUNIT_TEST(aLinkThatWorksNoMoreCountsAsEmpty);
  CPPUNIT_TEST(theTextTheCredentialWasMadeOfIsNothingNew);
  CPPUNIT_TEST(anotherTextIsAdopted);
  CPPUNIT_TEST(anEmptyFieldWithoutACredentialMayGetAPassword);
  CPPUNIT_TEST(underKeepAnEmptyFieldWasClearedByItsOwner);
  CPPUNIT_TEST(underTheOtherPoliciesAnEmptyFieldIsNeverIssuedAgain);
  CPPUNIT_TEST_SUITE_END();

  static constexpr PasswordPolicy kPolicies[] = {PasswordPolicy::kKeep, PasswordPolicy::kWipeAfter,
                                                 PasswordPolicy::kWipeOnLogin,
                                                 PasswordPolicy::kLink};
  static constexpr FieldReading kEmpty{true, false, false, false};
  static constexpr FieldReading kSource{false, false, false, true};
  static constexpr FieldReading kOther{false, false, false, false};
  static constexpr FieldReading kOurLink{false, true, true, false};
  static constexpr FieldReading kOldLink{false, true, false, false};

  static void underEveryPolicy(FieldDecision expected, const FieldReading& field,
                               bool hasCredential, bool jobOpen = false,
                               bool credentialNewer = false) {
    for (const PasswordPolicy policy : kPolicies) {
      CPPUNIT_ASSERT(decideField(field, hasCredential, jobOpen, credentialNewer, policy) ==
                     expected);
    }
  }

  void whileAJobIsOpenTheTextSaysNothing() {
    for (const bool hasCredential : {false, true}) {
      underEveryPolicy(FieldDecision::kIgnore, kOther, hasCredential, true);
      underEveryPolicy(FieldDecision::kIgnore, kSource, hasCredential, true);
      underEveryPolicy(FieldDecision::kIgnore, kOurLink, hasCredential, true);
      underEveryPolicy(FieldDecision::kIgnore, kEmpty, hasCredential, true);
    }
  }

  void aTextReadBeforeTheCredentialChangedSaysNothing() {
    underEveryPolicy(FieldDecision::kIgnore, kOther, true, false, true);
    underEveryPolicy(FieldDecision::kIgnore, kSource, true, false, true);
    underEveryPolicy(FieldDecision::kIgnore, kEmpty, true, false, true);
  }

  void ourOwnLinkIsNoPassword() {
    underEveryPolicy(FieldDecision::kNothingToDo, kOurLink, false);
    underEveryPolicy(FieldDecision::kNothingToDo, kOurLink, true);
    underEveryPolicy(FieldDecision::kNothingToDo, kOldLink, true);
  }

  void aLinkThatWorksNoMoreCountsAsEmpty() {
    underEveryPolicy(FieldDecision::kMayIssue, kOldLink, false);
  }

  void theTextTheCredentialWasMadeOfIsNothingNew() {
    underEveryPolicy(FieldDecision::kNothingToDo, kSource, true);
  }

  void anotherTextIsAdopted() {
    underEveryPolicy(FieldDecision::kAdopt, kOther, false);
    underEveryPolicy(FieldDecision::kAdopt, kOther, true);
  }

  void anEmptyFieldWithoutACredentialMayGetAPassword() {
    underEveryPolicy(FieldDecision::kMayIssue, kEmpty, false);
  }

  void underKeepAnEmptyFieldWasClearedByItsOwner() {
    CPPUNIT_ASSERT(decideField(kEmpty, true, false, false, PasswordPolicy::kKeep) ==
                   FieldDecision::kMayIssue);
  }

  void underTheOtherPoliciesAnEmptyFieldIsNeverIssuedAgain() {
    for (const PasswordPolicy policy :
         {PasswordPolicy::kWipeAfter, PasswordPolicy::kWipeOnLogin, PasswordPolicy::kLink}) {
      CPPUNIT_ASSERT(decideField(kEmpty, true, false, false, policy) ==
                     FieldDecision::kNothingToDo);
    }
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(CredentialTest);
