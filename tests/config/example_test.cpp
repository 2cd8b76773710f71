#include <cppunit/extensions/HelperMacros.h>

#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "config/config.h"
#include "config/keys.h"
#include "folder.h"

using namespace mbr;
using namespace mbr::config;

// conf/membergate.conf.example against the table of keys.
class ExampleTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ExampleTest);
  CPPUNIT_TEST(theExampleSetsEveryKeyOnceAndInOrder);
  CPPUNIT_TEST(theExampleShowsTheDefaultOfEveryKey);
  CPPUNIT_TEST(theExampleExplainsEveryKeyWithUnitAndRange);
  CPPUNIT_TEST(onlyTheRequiredKeysAreSet);
  CPPUNIT_TEST(theDefaultsWrittenOutAreTheDefaults);
  CPPUNIT_TEST_SUITE_END();

  struct Setting {
    std::string name;
    std::string value;
    bool commented = false;
    std::string explanation;  // the comment before it, joined
  };

  // A setting is `name = value` or `# name = value`; explanations are indented more.
  static std::vector<Setting> settings() {
    std::ifstream in(MBR_SOURCE_DIR "/conf/membergate.conf.example");
    CPPUNIT_ASSERT(in.good());
    std::vector<Setting> all;
    std::string explanation;
    for (std::string line; std::getline(in, line);) {
      const bool commented = line.rfind("# ", 0) == 0;
      const std::string text = commented ? line.substr(2) : line;
      const auto equals = text.find(" =");
      const std::string name = text.substr(0, equals);
      const bool isSetting =
          equals != std::string::npos && !name.empty() &&
          name.find_first_not_of("abcdefghijklmnopqrstuvwxyzNAME._") == std::string::npos;
      if (isSetting) {
        const std::string value = text.substr(std::min(equals + 3, text.size()));
        all.push_back({name, value, commented, explanation});
      }
      if (isSetting || line.empty()) {
        explanation.clear();
      } else if (commented) {
        explanation += text.substr(text.find_first_not_of(' ')) + " ";
      }
    }
    return all;
  }

  void theExampleSetsEveryKeyOnceAndInOrder() {
    std::string expected;
    std::string found;
    for (const Key& key : keys()) expected += key.name + "\n";
    for (const Setting& setting : settings()) found += setting.name + "\n";
    CPPUNIT_ASSERT_EQUAL(expected, found);
    std::set<std::string> names;
    for (const Key& key : keys()) names.insert(key.name);
    CPPUNIT_ASSERT_EQUAL(keys().size(), names.size());
  }

  template <class Check>
  static void forEachKey(Check check) {
    const auto all = settings();
    const auto known = keys();
    CPPUNIT_ASSERT_EQUAL(known.size(), all.size());
    for (std::size_t i = 0; i < all.size(); ++i) check(known[i], all[i]);
  }

  void theExampleShowsTheDefaultOfEveryKey() {
    forEachKey([](const Key& key, const Setting& setting) {
      if (!key.required) CPPUNIT_ASSERT_EQUAL_MESSAGE(key.name, key.fallback, setting.value);
    });
  }

  void theExampleExplainsEveryKeyWithUnitAndRange() {
    forEachKey([](const Key& key, const Setting& setting) {
      const std::string fallback = key.required           ? "Required."
                                   : key.fallback.empty() ? "Default: none."
                                                          : "Default: " + key.fallback + ".";
      const std::string unit = "Value: " + key.unit + (key.range.empty() ? "" : ", " + key.range) +
                               ". " + fallback + " ";
      CPPUNIT_ASSERT_EQUAL_MESSAGE(key.name, key.about + " " + unit, setting.explanation);
    });
  }

  void onlyTheRequiredKeysAreSet() {
    forEachKey([](const Key& key, const Setting& setting) {
      CPPUNIT_ASSERT_EQUAL_MESSAGE(key.name, key.required, !setting.commented);
    });
  }

  void theDefaultsWrittenOutAreTheDefaults() {
    const test::Folder folder;
    const std::string key = folder.write("a.key", "k");
    std::string text;
    for (const Setting& setting : settings()) {
      if (setting.name.find("NAME") != std::string::npos) continue;  // any number, none is one
      const bool isFile = setting.name.find("key_file") != std::string::npos;
      text += setting.name + " = " + (isFile ? key : setting.value) + "\n";
    }
    const auto config = load(folder.write("membergate.conf", text));
    CPPUNIT_ASSERT_MESSAGE(config ? "" : config.error().detail, config.ok());
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ExampleTest);
