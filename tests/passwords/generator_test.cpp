#include "passwords/generator.h"

#include <cppunit/extensions/HelperMacros.h>

#include <cmath>
#include <map>
#include <set>
#include <stdexcept>

#include "support/seeded_random.h"

namespace mbr::passwords {
namespace {

class GeneratorTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(GeneratorTest);
  CPPUNIT_TEST(theDefaultIsAm360sAlphabetWithoutPercentAndAmpersand);
  CPPUNIT_TEST(everyCharacterIsEquallyLikely);
  CPPUNIT_TEST(everyPositionIsEquallyLikely);
  CPPUNIT_TEST(passwordsDoNotRepeat);
  CPPUNIT_TEST(lengthAndAlphabetAreObeyed);
  CPPUNIT_TEST(fewerThan80BitsAreRefused);
  CPPUNIT_TEST(charactersThatAreDoubledOrNotPrintableAreRefused);
  CPPUNIT_TEST(aGeneratorWithRefusedOptionsIsNotBuilt);
  CPPUNIT_TEST_SUITE_END();

  test::SeededRandom random;

  // Chi-square over its degrees of freedom, as a standard normal (Wilson and Hilferty).
  static double deviation(const std::map<char, int>& counts, double expected) {
    double chi = 0;
    for (const auto& [c, count] : counts) chi += (count - expected) * (count - expected) / expected;
    const double freedom = static_cast<double>(counts.size()) - 1;
    const double spread = 2 / (9 * freedom);
    return (std::cbrt(chi / freedom) - (1 - spread)) / std::sqrt(spread);
  }

  static Generator::Options options(int length, std::string alphabet) {
    Generator::Options out;
    out.length = length;
    out.alphabet = std::move(alphabet);
    return out;
  }

  void theDefaultIsAm360sAlphabetWithoutPercentAndAmpersand() {
    const Generator::Options defaults;
    CPPUNIT_ASSERT_EQUAL(24, defaults.length);
    CPPUNIT_ASSERT_EQUAL(std::size_t{26 + 26 + 10 + 8}, defaults.alphabet.size());
    CPPUNIT_ASSERT(defaults.alphabet.find_first_of("%&") == std::string::npos);
    for (const char c : std::string("azAZ09!@#$^*()")) {
      CPPUNIT_ASSERT(defaults.alphabet.find(c) != std::string::npos);
    }
    CPPUNIT_ASSERT(Generator::validate(defaults).ok());
  }

  void everyCharacterIsEquallyLikely() {
    Generator generator({}, random);
    std::map<char, int> counts;
    constexpr int kPasswords = 20000;
    for (int i = 0; i < kPasswords; ++i) {
      const Secret password = generator.next();
      for (const char c : password.reveal()) ++counts[c];
    }
    CPPUNIT_ASSERT_EQUAL(std::size_t{70}, counts.size());
    // Drawing a byte modulo 70 would give a deviation above 100 here.
    CPPUNIT_ASSERT(std::abs(deviation(counts, kPasswords * 24 / 70.0)) < 4);
  }

  void everyPositionIsEquallyLikely() {
    Generator generator({}, random);
    std::map<std::size_t, std::map<char, int>> counts;
    constexpr int kPasswords = 20000;
    for (int i = 0; i < kPasswords; ++i) {
      const Secret password = generator.next();
      for (std::size_t p = 0; p < 24; ++p) ++counts[p][password.reveal()[p]];
    }
    for (const auto& [position, characters] : counts) {
      CPPUNIT_ASSERT(std::abs(deviation(characters, kPasswords / 70.0)) < 4.5);
    }
  }

  void passwordsDoNotRepeat() {
    Generator generator({}, random);
    std::set<std::string> seen;
    for (int i = 0; i < 10000; ++i) seen.insert(generator.next().reveal());
    CPPUNIT_ASSERT_EQUAL(std::size_t{10000}, seen.size());
  }

  void lengthAndAlphabetAreObeyed() {
    Generator generator(options(40, "abcd"), random);
    const Secret password = generator.next();
    CPPUNIT_ASSERT_EQUAL(std::size_t{40}, password.size());
    CPPUNIT_ASSERT(password.reveal().find_first_not_of("abcd") == std::string::npos);
  }

  void fewerThan80BitsAreRefused() {
    const std::string hex = "0123456789abcdef";
    CPPUNIT_ASSERT(Generator::validate(options(20, hex)).ok());  // exactly 80
    const auto refused = Generator::validate(options(19, hex));
    CPPUNIT_ASSERT(refused.error().code == Code::kInvalid);
    CPPUNIT_ASSERT(refused.error().detail.find("76 bits") != std::string::npos);
    CPPUNIT_ASSERT(!Generator::validate(options(24, "")));
    CPPUNIT_ASSERT(!Generator::validate(options(24, "a")));
    CPPUNIT_ASSERT(!Generator::validate(options(0, hex)));
    CPPUNIT_ASSERT(!Generator::validate(options(-1, hex)));
    CPPUNIT_ASSERT(!Generator::validate(options(65, hex)));
  }

  void charactersThatAreDoubledOrNotPrintableAreRefused() {
    const std::string letters = "abcdefghijklmnopqrstuvwxyz";
    for (const char* bad : {"a", " ", "\t", "\x7f", "\xc3\xa9"}) {
      CPPUNIT_ASSERT(!Generator::validate(options(24, letters + bad)));
    }
    CPPUNIT_ASSERT(Generator::validate(options(24, letters + "~")).ok());
  }

  void aGeneratorWithRefusedOptionsIsNotBuilt() {
    CPPUNIT_ASSERT_THROW(Generator(options(3, "abc"), random), std::invalid_argument);
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(GeneratorTest);

}  // namespace
}  // namespace mbr::passwords
