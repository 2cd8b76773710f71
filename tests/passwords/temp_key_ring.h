// Key rings for tests, made from key files as in real life.
#pragma once

#include <sys/stat.h>

#include <cppunit/extensions/HelperMacros.h>

#include <fstream>
#include <iterator>
#include <string>
#include <utility>

#include "passwords/key_ring.h"
#include "support/temp_dir.h"

namespace mbr::test {

// Writes a file that only its owner may read; the path is returned.
inline std::string writeKeyFile(const TempDir& folder, const std::string& name,
                                const std::string& text) {
  const std::string path = folder.file(name);
  std::ofstream(path, std::ios::binary) << text;
  ::chmod(path.c_str(), 0600);
  return path;
}

inline std::string readFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// A line of a key file whose key is one digit repeated.
inline std::string keyLine(const std::string& id, char digit) {
  return id + ":" + std::string(64, digit) + "\n";
}

inline passwords::KeyRing keyRing(const std::string& text = keyLine("k1", '1')) {
  const TempDir folder;
  auto ring = passwords::KeyRing::load(writeKeyFile(folder, "master.key", text));
  CPPUNIT_ASSERT_MESSAGE(ring ? "" : ring.error().detail, ring.ok());
  return std::move(ring).value();
}

}  // namespace mbr::test
