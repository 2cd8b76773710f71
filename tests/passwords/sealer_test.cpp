#include "passwords/sealer.h"

#include <cppunit/extensions/HelperMacros.h>

#include "passwords/temp_key_ring.h"
#include "support/seeded_random.h"

namespace mbr::passwords {
namespace {

using test::keyLine;

class SealerTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(SealerTest);
  CPPUNIT_TEST(whatWasSealedOpensForTheSameContact);
  CPPUNIT_TEST(aSealIsNotTheTextAndNeverTheSameTwice);
  CPPUNIT_TEST(anotherContactCannotOpenIt);
  CPPUNIT_TEST(everyChangedByteIsNoticed);
  CPPUNIT_TEST(everyCutTextIsRefused);
  CPPUNIT_TEST(anOldKeyStillOpensAfterARotation);
  CPPUNIT_TEST(aMissingKeyIsToldApartFromAChangedText);
  CPPUNIT_TEST(anotherMasterKeyOfTheSameIdDoesNotOpenIt);
  CPPUNIT_TEST_SUITE_END();

  const KeyRing keys = test::keyRing();
  test::SeededRandom random;
  const Sealer sealer{keys, random};

  void whatWasSealedOpensForTheSameContact() {
    for (const std::string& text :
         {std::string(), std::string("x"), std::string(256, 'p'), std::string("nul\0inside", 10)}) {
      CPPUNIT_ASSERT_EQUAL(text, sealer.open(sealer.seal(Secret(text), 42), 42)->reveal());
    }
  }

  void aSealIsNotTheTextAndNeverTheSameTwice() {
    const Secret secret("correct horse");
    const std::string sealed = sealer.seal(secret, 42);
    CPPUNIT_ASSERT(sealed.find("horse") == std::string::npos);
    CPPUNIT_ASSERT(sealed != sealer.seal(secret, 42));
  }

  void anotherContactCannotOpenIt() {
    const std::string sealed = sealer.seal(Secret("text"), 42);
    CPPUNIT_ASSERT(sealer.open(sealed, 43).error().code == Code::kInvalid);
  }

  void everyChangedByteIsNoticed() {
    const std::string sealed = sealer.seal(Secret("text"), 42);
    for (std::size_t i = 0; i < sealed.size(); ++i) {
      std::string changed = sealed;
      changed[i] = static_cast<char>(changed[i] ^ 1);
      CPPUNIT_ASSERT(!sealer.open(changed, 42));
    }
  }

  void everyCutTextIsRefused() {
    const std::string sealed = sealer.seal(Secret("text"), 42);
    for (std::size_t size = 0; size < sealed.size(); ++size) {
      CPPUNIT_ASSERT(!sealer.open(std::string_view(sealed).substr(0, size), 42));
    }
    CPPUNIT_ASSERT(!sealer.open(sealed + "x", 42));
  }

  void anOldKeyStillOpensAfterARotation() {
    const std::string sealed = sealer.seal(Secret("text"), 42);
    const KeyRing rotated = test::keyRing(keyLine("k2", '2') + keyLine("k1", '1'));
    CPPUNIT_ASSERT_EQUAL(std::string("text"), Sealer(rotated, random).open(sealed, 42)->reveal());
  }

  void aMissingKeyIsToldApartFromAChangedText() {
    const KeyRing other = test::keyRing(keyLine("k2", '1'));
    const auto opened = Sealer(other, random).open(sealer.seal(Secret("text"), 42), 42);
    CPPUNIT_ASSERT(opened.error().code == Code::kNotFound);
  }

  void anotherMasterKeyOfTheSameIdDoesNotOpenIt() {
    const KeyRing other = test::keyRing(keyLine("k1", '2'));
    const auto opened = Sealer(other, random).open(sealer.seal(Secret("text"), 42), 42);
    CPPUNIT_ASSERT(opened.error().code == Code::kInvalid);
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(SealerTest);

}  // namespace
}  // namespace mbr::passwords
