// A fresh directory of a test, gone with it.
#pragma once

#include <cppunit/TestAssert.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace mbr::test {

class Folder {
 public:
  Folder() {
    std::string pattern = std::filesystem::temp_directory_path() / "membergate-config-XXXXXX";
    CPPUNIT_ASSERT(mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  const std::string& path() const { return path_; }

  std::string write(const std::string& name, const std::string& text, mode_t mode = 0640) const {
    const std::string file = path_ + "/" + name;
    std::ofstream(file, std::ios::binary) << text;
    CPPUNIT_ASSERT_EQUAL(0, chmod(file.c_str(), mode));
    return file;
  }

 private:
  std::string path_;
};

}  // namespace mbr::test
