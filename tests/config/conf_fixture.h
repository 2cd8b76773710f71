// Configuration files for tests: one that is complete, and more lines behind it.
#pragma once

#include <cppunit/TestFixture.h>

#include <string>

#include "config/config.h"
#include "folder.h"

namespace mbr::test {

class ConfFixture : public CppUnit::TestFixture {
 public:
  void setUp() override {
    folder_.write("ac.key", "abc123\n");
    folder_.write("master.key", "k1:00\n");
  }

 protected:
  std::string at(const std::string& name) const { return folder_.path() + "/" + name; }

  // Lines that make any file complete; four of them.
  std::string complete() const {
    return "activecampaign.url = https://acme.api-us1.com\nactivecampaign.key_file = " +
           at("ac.key") + "\nsecrets.master_key_file = " + at("master.key") +
           "\nstore.url = sqlite://" + at("mbr.db") + "\n";
  }
  Result<config::Config> loadText(const std::string& text) const {
    return config::load(folder_.write("membergate.conf", text));
  }
  config::Config take(const std::string& more) const {
    auto loaded = loadText(complete() + more);
    CPPUNIT_ASSERT_MESSAGE(loaded ? "" : loaded.error().detail, loaded.ok());
    return std::move(loaded).value();
  }
  // What is wrong with the complete file and these lines behind it; the first is line 5.
  std::string problems(const std::string& more) const {
    const auto config = loadText(complete() + more);
    CPPUNIT_ASSERT_MESSAGE(more, !config.ok());
    CPPUNIT_ASSERT(config.error().code == Code::kInvalid);
    return config.error().detail;
  }
  std::string inFile(const std::string& problem) const { return at("membergate.conf") + problem; }
  void refuses(const std::string& problem, const std::string& more) const {
    CPPUNIT_ASSERT_EQUAL(inFile(problem), problems(more));
  }
  static bool holds(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  }

  test::Folder folder_;
};

}  // namespace mbr::test
