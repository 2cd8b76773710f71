// Every key of the configuration file, as the operator is told about it.
#pragma once

#include <string>
#include <vector>

namespace mbr::config {

struct Key {
  std::string name;
  std::string unit;      // what a value is: "a duration (ms, s, m, h, d)"
  std::string range;     // "100ms to 10s"; may be empty
  std::string fallback;  // the default as it would be written; empty = none
  std::string about;     // one sentence
  bool required = false;
};

// In the order of conf/membergate.conf.example.
std::vector<Key> keys();

}  // namespace mbr::config
