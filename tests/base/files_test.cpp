#include "base/files.h"

#include <cppunit/extensions/HelperMacros.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <future>
#include <string>

using namespace mbr;

namespace {

class FilesTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(FilesTest);
  CPPUNIT_TEST(theFolderIsWhatStandsBeforeTheLastSlash);
  CPPUNIT_TEST(aTextGoesOutWholeThoughAPipeTakesParts);
  CPPUNIT_TEST(aFailureLeavesItsNumber);
  CPPUNIT_TEST_SUITE_END();

 private:
  void theFolderIsWhatStandsBeforeTheLastSlash() {
    CPPUNIT_ASSERT_EQUAL(std::string("/a/b"), folderOf("/a/b/c"));
    CPPUNIT_ASSERT_EQUAL(std::string("/"), folderOf("/c"));
    CPPUNIT_ASSERT_EQUAL(std::string("a"), folderOf("a/c"));
    CPPUNIT_ASSERT_EQUAL(std::string("."), folderOf("c"));
  }

  void aTextGoesOutWholeThoughAPipeTakesParts() {
    int ends[2];
    CPPUNIT_ASSERT_EQUAL(0, ::pipe(ends));
    const std::string text(1 << 20, 'x');
    auto read = std::async(std::launch::async, [fd = ends[0]] {
      std::string all;
      char part[4096];
      for (ssize_t got = 0; (got = ::read(fd, part, sizeof part)) > 0;) {
        all.append(part, static_cast<std::size_t>(got));
      }
      return all;
    });
    const bool written = writeAll(ends[1], text);
    ::close(ends[1]);
    CPPUNIT_ASSERT(read.get() == text);
    CPPUNIT_ASSERT(written);
    ::close(ends[0]);
  }

  void aFailureLeavesItsNumber() {
    const int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
    CPPUNIT_ASSERT(full >= 0);
    const bool written = writeAll(full, "x");
    const int number = errno;
    ::close(full);
    CPPUNIT_ASSERT(!written);
    CPPUNIT_ASSERT_EQUAL(ENOSPC, number);
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(FilesTest);

}  // namespace
