#include "passwords/hasher.h"

#include <cppunit/extensions/HelperMacros.h>
#include <sodium.h>

#include <algorithm>
#include <ctime>
#include <vector>

#include "passwords/temp_key_ring.h"
#include "support/seeded_random.h"

namespace mbr::passwords {
namespace {

using test::keyLine;

constexpr Hasher::Options kCheap{8192, 1};
constexpr Instant kNow{std::chrono::seconds{1700000000}};

class HasherTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(HasherTest);
  CPPUNIT_TEST(bothKindsVerifyTheirPasswordAndNoOther);
  CPPUNIT_TEST(theDefaultParametersAreThoseOfTheDesign);
  CPPUNIT_TEST(theHashAloneIsNoArgon2HashOfThePassword);
  CPPUNIT_TEST(aFastHashBelongsToItsContact);
  CPPUNIT_TEST(equalPasswordsDoNotShowInHashesOrSources);
  CPPUNIT_TEST(oldKeysStillVerifyAfterARotationAndAskForAnUpgrade);
  CPPUNIT_TEST(aCredentialWhoseKeyIsGoneNeverVerifies);
  CPPUNIT_TEST(aHashThatIsNoneNeverVerifies);
  CPPUNIT_TEST(anAdoptedPasswordBecomesSlowAndAGeneratedOneStaysFast);
  CPPUNIT_TEST(weakerParametersAskForAnUpgrade);
  CPPUNIT_TEST(anUpgradeKeepsOriginSourceAndTime);
  CPPUNIT_TEST(aMovedFastCredentialVerifiesUnderTheNewId);
  CPPUNIT_TEST(aMovedFastCredentialIsMadeAnewAtItsNextLogin);
  CPPUNIT_TEST(aMovedAdoptedPasswordBecomesSlow);
  CPPUNIT_TEST(aCredentialMayMoveAgainAndBack);
  CPPUNIT_TEST(aSlowCredentialMovesUnchanged);
  CPPUNIT_TEST(aMovedCredentialOutlivesARotationOfTheKey);
  CPPUNIT_TEST(aSourceIsRecognisedByItsTextAlone);
  CPPUNIT_TEST(aFastCheckASlowCheckAndADummyTakeTheSameTime);
  CPPUNIT_TEST_SUITE_END();

  const KeyRing keys = test::keyRing();
  const KeyRing rotated = test::keyRing(keyLine("k2", '2') + keyLine("k1", '1'));
  test::SeededRandom random;
  const Hasher hasher{keys, random, kCheap};

  Credential fast(const std::string& text, CredentialOrigin origin = CredentialOrigin::kGenerated) {
    return hasher.makeFast(42, Secret(text), origin, kNow);
  }
  Credential slow(const std::string& text) {
    return hasher.makeSlow(42, Secret(text), CredentialOrigin::kSet, kNow);
  }

  void bothKindsVerifyTheirPasswordAndNoOther() {
    for (const std::string& text :
         {std::string("x"), std::string("correct horse"), std::string(256, 'p')}) {
      for (const Credential& credential : {fast(text), slow(text)}) {
        CPPUNIT_ASSERT(hasher.verify(credential, Secret(text)));
        CPPUNIT_ASSERT(!hasher.verify(credential, Secret(text + "x")));
        CPPUNIT_ASSERT(!hasher.verify(credential, Secret("")));
        CPPUNIT_ASSERT_EQUAL(std::string::npos, credential.hash.find("horse"));
      }
    }
    const Credential made = slow("correct horse");
    CPPUNIT_ASSERT(made.contactId == 42 && made.kind == CredentialKind::kSlow &&
                   made.origin == CredentialOrigin::kSet && made.changedAt == kNow &&
                   made.source.empty());
  }

  void theDefaultParametersAreThoseOfTheDesign() {
    const Hasher real(keys, random);
    const Credential made = real.makeSlow(42, Secret("p"), CredentialOrigin::kSet, kNow);
    CPPUNIT_ASSERT_EQUAL(std::string("k1:$argon2id$v=19$m=19456,t=2,p=1$"),
                         made.hash.substr(0, 34));
    CPPUNIT_ASSERT(real.verify(made, Secret("p")));
    CPPUNIT_ASSERT(!real.verify(made, Secret("q")));
  }

  void theHashAloneIsNoArgon2HashOfThePassword() {
    const std::string phc = slow("correct horse").hash.substr(3);
    CPPUNIT_ASSERT(crypto_pwhash_str_verify(phc.c_str(), "correct horse", 13) != 0);
    const KeyRing wrong = test::keyRing(keyLine("k1", '2'));
    CPPUNIT_ASSERT(
        !Hasher(wrong, random, kCheap).verify(slow("correct horse"), Secret("correct horse")));
    CPPUNIT_ASSERT(
        !Hasher(wrong, random, kCheap).verify(fast("correct horse"), Secret("correct horse")));
  }

  void aFastHashBelongsToItsContact() {
    Credential moved = fast("correct horse");
    moved.contactId = 43;
    CPPUNIT_ASSERT(!hasher.verify(moved, Secret("correct horse")));
  }

  void equalPasswordsDoNotShowInHashesOrSources() {
    const Secret text("welcome");
    CPPUNIT_ASSERT(hasher.makeFast(1, text, CredentialOrigin::kDefault, kNow).hash !=
                   hasher.makeFast(2, text, CredentialOrigin::kDefault, kNow).hash);
    CPPUNIT_ASSERT(slow("welcome").hash != slow("welcome").hash);
    CPPUNIT_ASSERT(hasher.sourceDigest(text) != hasher.sourceDigest(text));
  }

  void oldKeysStillVerifyAfterARotationAndAskForAnUpgrade() {
    const Hasher later(rotated, random, kCheap);
    for (const Credential& old : {fast("p"), slow("p")}) {
      CPPUNIT_ASSERT(!hasher.needsUpgrade(old));
      CPPUNIT_ASSERT(later.verify(old, Secret("p")));
      CPPUNIT_ASSERT(!later.verify(old, Secret("q")));
      CPPUNIT_ASSERT(later.needsUpgrade(old));
      const Credential upgraded = later.upgraded(old, Secret("p"));
      CPPUNIT_ASSERT(upgraded.kind == old.kind);
      CPPUNIT_ASSERT_EQUAL(std::string("k2:"), upgraded.hash.substr(0, 3));
      CPPUNIT_ASSERT(later.verify(upgraded, Secret("p")));
      CPPUNIT_ASSERT(!later.needsUpgrade(upgraded));
    }
  }

  void aCredentialWhoseKeyIsGoneNeverVerifies() {
    const KeyRing other = test::keyRing(keyLine("k2", '1'));
    const Hasher later(other, random, kCheap);
    CPPUNIT_ASSERT(!later.verify(fast("p"), Secret("p")));
    CPPUNIT_ASSERT(!later.verify(slow("p"), Secret("p")));
    CPPUNIT_ASSERT(!later.sourceEquals(hasher.sourceDigest(Secret("p")), Secret("p")));
  }

  void aHashThatIsNoneNeverVerifies() {
    for (const char* hash : {"", ":", "k1:", "k1", "k1:zz", "k1:$argon2id$", "k9:00"}) {
      for (Credential broken : {fast("p"), slow("p")}) {
        broken.hash = hash;
        CPPUNIT_ASSERT(!hasher.verify(broken, Secret("p")));
        CPPUNIT_ASSERT(!hasher.verify(broken, Secret("")));
      }
    }
  }

  void anAdoptedPasswordBecomesSlowAndAGeneratedOneStaysFast() {
    CPPUNIT_ASSERT(!hasher.needsUpgrade(fast("p", CredentialOrigin::kGenerated)));
    for (const auto origin : {CredentialOrigin::kAdopted, CredentialOrigin::kDefault}) {
      CPPUNIT_ASSERT(hasher.needsUpgrade(fast("p", origin)));
      const Credential upgraded = hasher.upgraded(fast("p", origin), Secret("p"));
      CPPUNIT_ASSERT(upgraded.kind == CredentialKind::kSlow);
      CPPUNIT_ASSERT(hasher.verify(upgraded, Secret("p")));
      CPPUNIT_ASSERT(!hasher.needsUpgrade(upgraded));
    }
  }

  void weakerParametersAskForAnUpgrade() {
    const Hasher stronger(keys, random, {16384, 2});
    const Credential old = slow("p");
    CPPUNIT_ASSERT(stronger.verify(old, Secret("p")));
    CPPUNIT_ASSERT(stronger.needsUpgrade(old));
    CPPUNIT_ASSERT(!stronger.needsUpgrade(stronger.upgraded(old, Secret("p"))));
  }

  void anUpgradeKeepsOriginSourceAndTime() {
    Credential old = fast("p", CredentialOrigin::kAdopted);
    old.source = hasher.sourceDigest(Secret("p"));
    const Hasher later(rotated, random, kCheap);
    const Credential upgraded = later.upgraded(old, Secret("p"));
    CPPUNIT_ASSERT(upgraded.origin == CredentialOrigin::kAdopted);
    CPPUNIT_ASSERT(upgraded.changedAt == old.changedAt && upgraded.contactId == old.contactId);
    CPPUNIT_ASSERT(later.sourceEquals(upgraded.source, Secret("p")));
  }

  void aMovedFastCredentialVerifiesUnderTheNewId() {
    Credential old = fast("p");
    old.source = hasher.sourceDigest(Secret("p"));
    const Credential moved = Hasher::moved(old, 43);
    CPPUNIT_ASSERT_EQUAL(ContactId{43}, moved.contactId);
    CPPUNIT_ASSERT(hasher.verify(moved, Secret("p")));
    CPPUNIT_ASSERT(!hasher.verify(moved, Secret("q")));
    CPPUNIT_ASSERT(!hasher.verify(moved, Secret("")));
    CPPUNIT_ASSERT(moved.kind == old.kind && moved.origin == old.origin);
    CPPUNIT_ASSERT(moved.changedAt == old.changedAt);
    CPPUNIT_ASSERT_EQUAL(old.source, moved.source);
  }

  void aMovedFastCredentialIsMadeAnewAtItsNextLogin() {
    const Credential moved = Hasher::moved(fast("p"), 43);
    CPPUNIT_ASSERT(hasher.needsUpgrade(moved));
    const Credential upgraded = hasher.upgraded(moved, Secret("p"));
    CPPUNIT_ASSERT(!hasher.needsUpgrade(upgraded));
    CPPUNIT_ASSERT_EQUAL(hasher.makeFast(43, Secret("p"), CredentialOrigin::kGenerated, kNow).hash,
                         upgraded.hash);
    CPPUNIT_ASSERT_EQUAL(ContactId{43}, upgraded.contactId);
  }

  void aMovedAdoptedPasswordBecomesSlow() {
    const Credential moved = Hasher::moved(fast("p", CredentialOrigin::kAdopted), 43);
    CPPUNIT_ASSERT(hasher.verify(moved, Secret("p")));
    const Credential upgraded = hasher.upgraded(moved, Secret("p"));
    CPPUNIT_ASSERT(upgraded.kind == CredentialKind::kSlow);
    CPPUNIT_ASSERT_EQUAL(ContactId{43}, upgraded.contactId);
    CPPUNIT_ASSERT(hasher.verify(upgraded, Secret("p")));
    CPPUNIT_ASSERT(!hasher.needsUpgrade(upgraded));
  }

  void aCredentialMayMoveAgainAndBack() {
    const Credential first = fast("p");
    const Credential second = Hasher::moved(Hasher::moved(first, 43), 44);
    CPPUNIT_ASSERT_EQUAL(ContactId{44}, second.contactId);
    CPPUNIT_ASSERT(hasher.verify(second, Secret("p")));
    CPPUNIT_ASSERT(hasher.needsUpgrade(second));
    const Credential back = Hasher::moved(second, 42);
    CPPUNIT_ASSERT_EQUAL(first.hash, back.hash);
    CPPUNIT_ASSERT(hasher.verify(back, Secret("p")));
    CPPUNIT_ASSERT(!hasher.needsUpgrade(back));
  }

  void aSlowCredentialMovesUnchanged() {
    const Credential old = slow("p");
    const Credential moved = Hasher::moved(old, 43);
    CPPUNIT_ASSERT_EQUAL(ContactId{43}, moved.contactId);
    CPPUNIT_ASSERT_EQUAL(old.hash, moved.hash);
    CPPUNIT_ASSERT(hasher.verify(moved, Secret("p")));
    CPPUNIT_ASSERT(!hasher.needsUpgrade(moved));
  }

  void aMovedCredentialOutlivesARotationOfTheKey() {
    const Hasher later(rotated, random, kCheap);
    const Credential moved = Hasher::moved(fast("p"), 43);
    CPPUNIT_ASSERT(later.verify(moved, Secret("p")));
    const Credential upgraded = later.upgraded(moved, Secret("p"));
    CPPUNIT_ASSERT_EQUAL(std::string("k2:"), upgraded.hash.substr(0, 3));
    CPPUNIT_ASSERT(later.verify(upgraded, Secret("p")));
    CPPUNIT_ASSERT(!later.needsUpgrade(upgraded));
  }

  void aSourceIsRecognisedByItsTextAlone() {
    const std::string source = hasher.sourceDigest(Secret("p"));
    CPPUNIT_ASSERT(hasher.sourceEquals(source, Secret("p")));
    CPPUNIT_ASSERT(!hasher.sourceEquals(source, Secret("q")));
    CPPUNIT_ASSERT(!hasher.sourceEquals(source, Secret("")));
    for (const char* broken : {"", "k1:", "k1:00", ":"}) {
      CPPUNIT_ASSERT(!hasher.sourceEquals(broken, Secret("")));
    }
    CPPUNIT_ASSERT(!hasher.sourceEquals(source.substr(0, source.size() - 2), Secret("p")));
  }

  static double threadSeconds() {
    timespec time{};
    CPPUNIT_ASSERT_EQUAL(0, clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time));
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
  }

  // Not a proof of equal time, which needs thousands of probes on an idle machine: it notices when
  // one of the three stops doing argon2 at all, a factor of thousands. The thread's own time, which
  // does not grow while others have the cores.
  void aFastCheckASlowCheckAndADummyTakeTheSameTime() {
    const Hasher costly(keys, random, {4 * 1024 * 1024, 2});
    const Credential kinds[] = {
        costly.makeFast(42, Secret("p"), CredentialOrigin::kGenerated, kNow),
        costly.makeSlow(42, Secret("p"), CredentialOrigin::kSet, kNow)};
    const auto median = [](const auto& work) {
      std::vector<double> times;
      for (int i = 0; i < 15; ++i) {
        const double begin = threadSeconds();
        work();
        times.push_back(threadSeconds() - begin);
      }
      std::nth_element(times.begin(), times.begin() + 7, times.end());
      return times[7];
    };
    const double dummy = median([&] { costly.verifyDummy(Secret("q")); });
    for (const Credential& kind : kinds) {
      for (const char* text : {"p", "q"}) {
        const double time = median([&] { (void)costly.verify(kind, Secret(text)); });
        CPPUNIT_ASSERT(time > dummy / 5 && time < dummy * 5);
      }
    }
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(HasherTest);

}  // namespace
}  // namespace mbr::passwords
