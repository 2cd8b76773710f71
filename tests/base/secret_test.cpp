#include "base/secret.h"

#include <cppunit/extensions/HelperMacros.h>

#include <algorithm>
#include <ostream>
#include <string>
#include <type_traits>
#include <utility>

using namespace mbr;

namespace {

template <class T, class = void>
struct Streams : std::false_type {};
template <class T>
struct Streams<T, std::void_t<decltype(std::declval<std::ostream&>() << std::declval<T>())>>
    : std::true_type {};

static_assert(Streams<std::string>::value, "the probe works");
static_assert(!Streams<Secret>::value, "a Secret must have no way into a stream");
static_assert(!std::is_convertible_v<Secret, std::string>, "nor turn into text by itself");
static_assert(!std::is_convertible_v<Secret, std::string_view>);
static_assert(!std::is_convertible_v<std::string, Secret>);

}  // namespace

class SecretTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(SecretTest);
  CPPUNIT_TEST(wipingOverwritesTheSpareCapacityToo);
  CPPUNIT_TEST(wipingAShortTextOverwritesItsInlineBytes);
  CPPUNIT_TEST(takingWipesTheArgument);
  CPPUNIT_TEST(movingLeavesNothingBehind);
  CPPUNIT_TEST(assigningToItselfKeepsTheText);
  CPPUNIT_TEST(copiesAreEqual);
  CPPUNIT_TEST(equalityComparesBytesAndLength);
  CPPUNIT_TEST_SUITE_END();

  // The bytes where `text` keeps what it holds, its capacity included.
  static bool isAllZero(const char* at, std::size_t size) {
    return std::all_of(at, at + size, [](char c) { return c == '\0'; });
  }

  void wipingOverwritesTheSpareCapacityToo() {
    std::string text(100, 'x');
    text.resize(40);  // sixty bytes of the old text lie beyond the end now
    const char* at = text.data();
    const std::size_t capacity = text.capacity();
    wipe(text);
    CPPUNIT_ASSERT(text.empty());
    CPPUNIT_ASSERT(text.data() == at && text.capacity() == capacity);
    CPPUNIT_ASSERT(isAllZero(at, capacity));
  }

  void wipingAShortTextOverwritesItsInlineBytes() {
    std::string text = "hunter2";
    wipe(text);
    CPPUNIT_ASSERT(text.empty());
    CPPUNIT_ASSERT(isAllZero(text.data(), text.capacity()));
    wipe(text);
    CPPUNIT_ASSERT(text.empty());
  }

  void takingWipesTheArgument() {
    std::string text(64, 's');
    const char* at = text.data();
    const Secret secret = Secret::take(std::move(text));
    CPPUNIT_ASSERT_EQUAL(std::string(64, 's'), secret.reveal());
    CPPUNIT_ASSERT(text.empty() && isAllZero(at, 64));  // NOLINT: what take() leaves is the point
  }

  void movingLeavesNothingBehind() {
    Secret first{"hunter2"};  // short: moving a string copies its inline bytes
    Secret second{std::move(first)};
    CPPUNIT_ASSERT(first.empty());  // NOLINT: what a move leaves is the point
    CPPUNIT_ASSERT(isAllZero(first.reveal().data(), 7));
    Secret third{"another secret that is longer than any inline buffer"};
    third = std::move(second);
    CPPUNIT_ASSERT_EQUAL(std::string("hunter2"), third.reveal());
    CPPUNIT_ASSERT(isAllZero(second.reveal().data(), 7));  // NOLINT
  }

  void assigningToItselfKeepsTheText() {
    Secret secret{"hunter2"};
    Secret& same = secret;
    secret = same;
    CPPUNIT_ASSERT_EQUAL(std::string("hunter2"), secret.reveal());
    secret = std::move(same);
    CPPUNIT_ASSERT_EQUAL(std::string("hunter2"), secret.reveal());
  }

  void copiesAreEqual() {
    const Secret secret{"hunter2"};
    Secret copy;
    CPPUNIT_ASSERT(copy.empty());
    copy = secret;
    CPPUNIT_ASSERT(copy.equals(secret.reveal()));
    CPPUNIT_ASSERT_EQUAL(std::size_t{7}, copy.size());
  }

  void equalityComparesBytesAndLength() {
    const Secret secret{"hunter2"};
    CPPUNIT_ASSERT(secret.equals("hunter2"));
    for (const char* other : {"", "hunter", "hunter22", "hunter3", "Hunter2"}) {
      CPPUNIT_ASSERT_MESSAGE(other, !secret.equals(other));
    }
    CPPUNIT_ASSERT(!secret.equals(std::string("hunter2\0", 8)));
    CPPUNIT_ASSERT(equalInConstantTime("", ""));
    CPPUNIT_ASSERT(equalInConstantTime(std::string("a\0b", 3), std::string("a\0b", 3)));
    CPPUNIT_ASSERT(!equalInConstantTime(std::string("a\0b", 3), std::string("a\0c", 3)));
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(SecretTest);
