// nginx's grammar as far as it concerns us; what is made of it is tested by
// tests/cli/doctor_test.py.
#include "app/nginx_config.h"

#include <cppunit/extensions/HelperMacros.h>

#include <fstream>

#include "support/temp_dir.h"

namespace mbr::test {
namespace {

using app::NginxDirective;

class NginxConfigTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(NginxConfigTest);
  CPPUNIT_TEST(directivesHaveArgumentsAndBlocks);
  CPPUNIT_TEST(quotesCommentsAndVariablesAreRead);
  CPPUNIT_TEST(whatIsNoConfigurationSaysWhere);
  CPPUNIT_TEST(includesAreReadFromTheDisk);
  CPPUNIT_TEST(includesAreReadFromADump);
  CPPUNIT_TEST(anIncludeOfItselfEnds);
  CPPUNIT_TEST_SUITE_END();

  static std::vector<NginxDirective> parsed(const std::string& text) {
    const auto tree = app::parseNginx(text, [](const std::string&) {
      return std::vector<std::pair<std::string, std::string>>{};
    });
    CPPUNIT_ASSERT_MESSAGE(tree ? "" : tree.error().detail, tree.ok());
    return *tree;
  }

  static void fails(const std::string& text, const std::string& part) {
    const auto tree = app::readNginx(text, "/nowhere");
    CPPUNIT_ASSERT(!tree);
    CPPUNIT_ASSERT_MESSAGE(tree.error().detail,
                           tree.error().detail.find(part) != std::string::npos);
  }

  void directivesHaveArgumentsAndBlocks() {
    const auto tree = parsed("a 1 two;\nhttp { server { listen 80; } server {} }");
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, tree.size());
    CPPUNIT_ASSERT_EQUAL(std::string("two"), tree[0].argument(1));
    CPPUNIT_ASSERT_EQUAL(std::string(""), tree[0].argument(2));
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, tree[1].block.size());
    CPPUNIT_ASSERT_EQUAL(std::string("listen"), tree[1].block[0].block[0].name);
  }

  void quotesCommentsAndVariablesAreRead() {
    const auto tree =
        parsed("# a { comment ;\nmap $a $b { \"~^[;{}]\\\"$\" 'x y'; }\nb ${c}d#e \\;;");
    CPPUNIT_ASSERT_EQUAL(std::string("~^[;{}]\\\"$"), tree[0].block[0].name);
    CPPUNIT_ASSERT_EQUAL(std::string("x y"), tree[0].block[0].argument(0));
    CPPUNIT_ASSERT_EQUAL(std::string("${c}d#e"), tree[1].argument(0));
    CPPUNIT_ASSERT_EQUAL(std::string("\\;"), tree[1].argument(1));
  }

  void whatIsNoConfigurationSaysWhere() {
    fails("http {\n server {", "line 2");
    fails("a 1;\n}", "line 2");
    fails("a { b }", "line 1");
    fails("a", "has no end");
    fails(std::string(100, '{'), "within each other");
  }

  void includesAreReadFromTheDisk() {
    const TempDir folder;
    std::ofstream(folder.file("one.conf")) << "a 1;";
    std::ofstream(folder.file("two.conf")) << "b 2;";
    const auto tree = app::readNginx("include *.conf; c 3; include none/*;", folder.path());
    CPPUNIT_ASSERT(tree.ok());
    CPPUNIT_ASSERT_EQUAL(std::size_t{3}, tree->size());
    CPPUNIT_ASSERT_EQUAL(std::string("b"), (*tree)[1].name);
  }

  void includesAreReadFromADump() {
    const auto tree = app::readNginx(
        "# configuration file /etc/nginx/nginx.conf:\nhttp { include conf.d/*.conf; }\n"
        "# configuration file /etc/nginx/conf.d/a.conf:\na 1;\n"
        "# configuration file /etc/nginx/other/b.conf:\nb 1;\n",
        "/nowhere");
    CPPUNIT_ASSERT(tree.ok());
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, (*tree)[0].block.size());
    CPPUNIT_ASSERT_EQUAL(std::string("a"), (*tree)[0].block[0].name);
  }

  void anIncludeOfItselfEnds() {
    const TempDir folder;
    std::ofstream(folder.file("self.conf")) << "include self.conf;";
    CPPUNIT_ASSERT(!app::readNginx("include self.conf;", folder.path()).ok());
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(NginxConfigTest);

}  // namespace
}  // namespace mbr::test
