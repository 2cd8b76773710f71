#include "base/json.h"

#include <cppunit/extensions/HelperMacros.h>

#include <cstdint>
#include <limits>
#include <string>

using namespace mbr;

class JsonTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(JsonTest);
  CPPUNIT_TEST(everyTypeIsReadAsItself);
  CPPUNIT_TEST(whatIsNotJsonIsRefused);
  CPPUNIT_TEST(theTopLevelIsAnObjectOrAnArray);
  CPPUNIT_TEST(numbersTooLargeForAnIntegerAreNeverSilentlyAnotherNumber);
  CPPUNIT_TEST(integersReadExactlyUpTo64Bits);
  CPPUNIT_TEST(ofARepeatedKeyTheLastWins);
  CPPUNIT_TEST(anObjectKeepsTheOrderOfItsKeys);
  CPPUNIT_TEST(escapesAndSurrogatePairsAreDecoded);
  CPPUNIT_TEST(loneSurrogatesAndBadUtf8AreRefused);
  CPPUNIT_TEST(anEscapedNulStaysInTheString);
  CPPUNIT_TEST(aNulInANameIsRefused);
  CPPUNIT_TEST(nestingEndsAt64);
  CPPUNIT_TEST(anObjectEndsAt1000Members);
  CPPUNIT_TEST(errorsDoNotQuoteTheText);
  CPPUNIT_TEST(missingMembersReadAsNull);
  CPPUNIT_TEST(textOrWritesNumbersAndBooleansAsText);
  CPPUNIT_TEST(writingEscapesWhatMustBeEscaped);
  CPPUNIT_TEST(writingRepairsBadUtf8);
  CPPUNIT_TEST(numbersAreWrittenSoThatTheyReadBackTheSame);
  CPPUNIT_TEST(whatWasWrittenReadsBackTheSame);
  CPPUNIT_TEST_SUITE_END();

  static json::Value read(std::string_view text) {
    auto value = json::parse(text);
    CPPUNIT_ASSERT_MESSAGE(std::string(text), value.ok());
    return std::move(value).value();
  }
  static void refuses(std::string_view text) {
    const auto value = json::parse(text);
    CPPUNIT_ASSERT_MESSAGE(std::string(text), !value.ok());
    CPPUNIT_ASSERT(value.error().code == Code::kInvalid);
  }

  void everyTypeIsReadAsItself() {
    const auto v =
        read(R"( {"s":"x","i":-7,"d":1.5,"t":true,"f":false,"n":null,"a":[1,[]],"o":{}} )");
    CPPUNIT_ASSERT_EQUAL(std::string("x"), *v["s"].asString());
    CPPUNIT_ASSERT_EQUAL(std::int64_t{-7}, *v["i"].asInt());
    CPPUNIT_ASSERT_EQUAL(1.5, *v["d"].asDouble());
    CPPUNIT_ASSERT(*v["t"].asBool() && !*v["f"].asBool());
    CPPUNIT_ASSERT(v.asObject()->find("n")->isNull());
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, v["a"].asArray()->size());
    CPPUNIT_ASSERT(v["o"].asObject()->empty());
    CPPUNIT_ASSERT(v["d"].asInt() == nullptr);
    CPPUNIT_ASSERT(v["i"].asDouble() == nullptr);
    CPPUNIT_ASSERT(v["t"].asInt() == nullptr);
  }

  void whatIsNotJsonIsRefused() {
    for (const char* text : {"",
                             "   ",
                             "{",
                             "[",
                             "}",
                             "{]",
                             "[1",
                             "[1,]",
                             "[,1]",
                             "{\"a\":1,}",
                             "{\"a\"}",
                             "{\"a\":}",
                             "{a:1}",
                             "{'a':1}",
                             "['a']",
                             "[1] x",
                             "[1][2]",
                             "{}{}",
                             "[1]]",
                             "// c\n[1]",
                             "[1]/*c*/",
                             "[NaN]",
                             "[nan]",
                             "[Infinity]",
                             "[tru]",
                             "[TRUE]",
                             "[undefined]",
                             "[01]",
                             "[+1]",
                             "[1.]",
                             "[.5]",
                             "[0x10]",
                             "[1e]",
                             "[-]",
                             "[\"a]",
                             "[\"\\x\"]",
                             "[\"\\u12\"]",
                             "[\"a\nb\"]",
                             "[1 2]",
                             "{\"a\":1 \"b\":2}",
                             "\xEF\xBB\xBF[1]"}) {
      refuses(text);
    }
  }

  void theTopLevelIsAnObjectOrAnArray() {
    for (const char* text : {"null", "true", "1", "\"s\"", "-1", "x"}) refuses(text);
    read("[]");
    read("{}");
    read("\r\n\t {} \r\n\t");
    refuses(std::string("[1]\0", 4));
  }

  void numbersTooLargeForAnIntegerAreNeverSilentlyAnotherNumber() {
    for (const char* text :
         {"[18446744073709551616]", "[-9223372036854775809]", "[99999999999999999999999999]"}) {
      const auto value = json::parse(text);
      if (!value) continue;  // refusing is right as well
      CPPUNIT_ASSERT_MESSAGE(text, value->asArray()->front().asInt() == nullptr);
      const double* number = value->asArray()->front().asDouble();
      CPPUNIT_ASSERT_MESSAGE(text, number != nullptr && (*number > 1e18 || *number < -1e18));
    }
    refuses("[1e400]");
  }

  void integersReadExactlyUpTo64Bits() {
    const auto v = read("[9223372036854775807,-9223372036854775808,0,-1,2147483648]");
    const json::Array& a = *v.asArray();
    CPPUNIT_ASSERT_EQUAL(std::numeric_limits<std::int64_t>::max(), *a[0].asInt());
    CPPUNIT_ASSERT_EQUAL(std::numeric_limits<std::int64_t>::min(), *a[1].asInt());
    CPPUNIT_ASSERT_EQUAL(std::int64_t{0}, *a[2].asInt());
    CPPUNIT_ASSERT_EQUAL(std::int64_t{-1}, *a[3].asInt());
    CPPUNIT_ASSERT_EQUAL(std::int64_t{2147483648}, *a[4].asInt());
  }

  void ofARepeatedKeyTheLastWins() {
    const auto v = read(R"({"a":1,"b":{"c":1,"c":[2]},"a":"2"})");
    CPPUNIT_ASSERT_EQUAL(std::string("2"), *v["a"].asString());
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, v.asObject()->members().size());
    CPPUNIT_ASSERT(v["b"]["c"].asArray() != nullptr);
  }

  void anObjectKeepsTheOrderOfItsKeys() {
    CPPUNIT_ASSERT_EQUAL(std::string(R"({"z":1,"a":{"y":2,"b":3},"":4})"),
                         json::write(read(R"({"z":1,"a":{"y":2,"b":3},"":4})")));
  }

  void escapesAndSurrogatePairsAreDecoded() {
    const auto v = read(R"(["\"\\\/\b\f\n\r\t\u00e4\ud83d\ude00"])");
    CPPUNIT_ASSERT_EQUAL(std::string("\"\\/\b\f\n\r\t\xC3\xA4\xF0\x9F\x98\x80"),
                         *v.asArray()->front().asString());
  }

  void loneSurrogatesAndBadUtf8AreRefused() {
    for (const char* text :
         {R"(["\ud83d"])", R"(["\ude00"])", R"(["\ud83dx"])", "[\"\xC3\"]", "[\"\x80\"]",
          "[\"\xED\xA0\x80\"]", "[\"\xC0\x80\"]", "{\"\xFF\":1}"}) {
      refuses(text);
    }
  }

  void anEscapedNulStaysInTheString() {
    const auto value = json::parse(R"({"a":"x\u0000y"})");
    if (!value) return;  // refusing is right as well; cutting is not
    CPPUNIT_ASSERT((*value)["a"].asString() != nullptr);
    CPPUNIT_ASSERT_EQUAL(std::size_t{3}, (*value)["a"].asString()->size());
  }

  void aNulInANameIsRefused() {
    for (const char* text : {R"({"a\u0000b":1})", R"({"x":"y","a\u0000" : 1})",
                             R"([{"\"":"\\","a":{"\u0000":[]}}])"}) {
      refuses(text);
    }
    // In a value it does no harm.
    read(R"({"a":["\u0000","b"]})");
  }

  void nestingEndsAt64() {
    read(std::string(64, '[') + std::string(64, ']'));
    refuses(std::string(65, '[') + std::string(65, ']'));
    refuses(std::string(100000, '['));
  }

  static std::string objectWith(int members) {
    std::string text = "{";
    for (int i = 0; i < members; ++i) {
      text += (i == 0 ? "\"k" : ",\"k") + std::to_string(i) + "\":1";
    }
    return text + "}";
  }

  void anObjectEndsAt1000Members() {
    CPPUNIT_ASSERT_EQUAL(std::size_t{1000}, read(objectWith(1000)).asObject()->members().size());
    refuses(objectWith(1001));
  }

  void errorsDoNotQuoteTheText() {
    const auto value = json::parse("{\"hunter2\":hunter2}");
    CPPUNIT_ASSERT(!value.ok());
    CPPUNIT_ASSERT(value.error().detail.find("hunter2") == std::string::npos);
  }

  void missingMembersReadAsNull() {
    const auto v = read(R"({"a":{"b":"x"},"l":[1]})");
    CPPUNIT_ASSERT_EQUAL(std::string("x"), v["a"]["b"].textOr(""));
    CPPUNIT_ASSERT(v["a"]["c"]["d"].isNull());
    CPPUNIT_ASSERT(v["l"]["a"].isNull());
    CPPUNIT_ASSERT(v["a"]["b"]["c"].isNull());
  }

  void textOrWritesNumbersAndBooleansAsText() {
    const auto v = read(R"({"s":"1","i":1,"t":true,"f":false,"d":1.5,"n":null,"a":[]})");
    CPPUNIT_ASSERT_EQUAL(std::string("1"), v["s"].textOr("?"));
    CPPUNIT_ASSERT_EQUAL(std::string("1"), v["i"].textOr("?"));
    CPPUNIT_ASSERT_EQUAL(std::string("1"), v["t"].textOr("?"));
    CPPUNIT_ASSERT_EQUAL(std::string("0"), v["f"].textOr("?"));
    CPPUNIT_ASSERT_EQUAL(std::string("1.5"), v["d"].textOr("?"));
    for (const char* key : {"n", "a", "absent"}) {
      CPPUNIT_ASSERT_EQUAL_MESSAGE(key, std::string("?"), v[key].textOr("?"));
    }
  }

  void writingEscapesWhatMustBeEscaped() {
    CPPUNIT_ASSERT_EQUAL(std::string(R"("\"\\\n\r\t\u0000\u001f\u007f/)") + "\xC3\xA4\"",
                         json::write(std::string("\"\\\n\r\t\0\x1F\x7F/\xC3\xA4", 11)));
    CPPUNIT_ASSERT_EQUAL(std::string("{\"a\\\"b\":null}"),
                         json::write(json::Object{{"a\"b", nullptr}}));
  }

  void writingRepairsBadUtf8() {
    const std::string kReplaced = "\xEF\xBF\xBD";
    CPPUNIT_ASSERT_EQUAL("\"a" + kReplaced + "b\"", json::write("a\xFF"
                                                                "b"));
    CPPUNIT_ASSERT_EQUAL("\"\xC3\xA4" + kReplaced + "\"", json::write("\xC3\xA4\xC3"));
    CPPUNIT_ASSERT_EQUAL("\"" + kReplaced + kReplaced + "\xE2\x82\xAC\"",
                         json::write("\xE2\x82\xE2\x82\xAC"));
  }

  void numbersAreWrittenSoThatTheyReadBackTheSame() {
    CPPUNIT_ASSERT_EQUAL(std::string("[-9223372036854775808,9223372036854775807]"),
                         json::write(json::Array{std::numeric_limits<std::int64_t>::min(),
                                                 std::numeric_limits<std::int64_t>::max()}));
    CPPUNIT_ASSERT_EQUAL(std::string("0.1"), json::write(0.1));
    CPPUNIT_ASSERT_EQUAL(std::string("null"), json::write(std::numeric_limits<double>::infinity()));
    CPPUNIT_ASSERT_EQUAL(std::string("null"),
                         json::write(std::numeric_limits<double>::quiet_NaN()));
    for (const double number : {1.0 / 3, 1e300, -2.5e-9, 123456789.125, 7.777577777777778e19}) {
      const auto v = read("[" + json::write(number) + "]");
      CPPUNIT_ASSERT(*v.asArray()->front().asDouble() == number);
    }
  }

  void whatWasWrittenReadsBackTheSame() {
    const json::Value value = json::Object{
        {"text", "a\"\\\n\xF0\x9F\x98\x80"},
        {"list", json::Array{1, true, nullptr, json::Object{{"x", json::Array{}}}}},
    };
    CPPUNIT_ASSERT_EQUAL(json::write(value), json::write(read(json::write(value))));
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(JsonTest);
