// Answers of ActiveCampaign as files: tests/data/activecampaign.
#pragma once

#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

#include "base/json.h"

namespace mbr::test {

inline std::string goldenText(const std::string& name) {
  std::ifstream in(std::string(MBR_TEST_DATA) + "/activecampaign/" + name);
  if (!in) throw std::runtime_error("no golden file " + name);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

inline json::Value golden(const std::string& name) { return json::parse(goldenText(name)).value(); }

}  // namespace mbr::test
