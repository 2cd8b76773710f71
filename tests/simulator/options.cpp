#include "options.h"

#include <cstdlib>
#include <fstream>
#include <functional>
#include <map>

namespace acsim {

const char* const kUsage =
    "usage: acsim --dir DIR [--port P] [--port-file F] [--token T | --token-file F]\n"
    "             [--rate N] [--retry-after S] [--state F] [--cert F --key F]\n"
    "An ActiveCampaign API v3 on 127.0.0.1; see tests/simulator/README.md.\n";

namespace {

bool readNumber(const std::string& text, double most, double& value) {
  char* end = nullptr;
  value = std::strtod(text.c_str(), &end);
  return !text.empty() && *end == '\0' && value >= 0 && value <= most;
}

bool readToken(const std::string& file, std::string& token) {
  std::ifstream in(file);
  return static_cast<bool>(in >> token);
}

}  // namespace

std::optional<Options> readOptions(int argc, char** argv, std::string& error) {
  Options options;
  using Setter = std::function<bool(const std::string&)>;
  const auto keep = [](std::string& member) -> Setter {
    return [&member](const std::string& value) {
      member = value;
      return true;
    };
  };
  const std::map<std::string, Setter> setters{
      {"--port",
       [&](const std::string& value) {
         double port = 0;
         if (!readNumber(value, 65535, port)) return false;
         options.port = static_cast<unsigned short>(port);
         return true;
       }},
      {"--rate", [&](const std::string& value) { return readNumber(value, 1e6, options.rate); }},
      {"--token-file", [&](const std::string& value) { return readToken(value, options.token); }},
      {"--dir", keep(options.dir)},
      {"--token", keep(options.token)},
      {"--retry-after", keep(options.retryAfter)},
      {"--port-file", keep(options.portFile)},
      {"--state", keep(options.stateFile)},
      {"--cert", keep(options.certFile)},
      {"--key", keep(options.keyFile)}};
  for (int i = 1; i < argc; i += 2) {
    const auto setter = setters.find(argv[i]);
    if (setter == setters.end()) {
      error = std::string("unknown option ") + argv[i];
    } else if (i + 1 == argc) {
      error = std::string(argv[i]) + " needs a value";
    } else if (!setter->second(argv[i + 1])) {
      error = std::string(argv[i]) + " cannot be " + argv[i + 1];
    }
    if (!error.empty()) return {};
  }
  if (options.dir.empty()) error = "--dir is missing";
  if (options.certFile.empty() != options.keyFile.empty()) error = "--cert and --key go together";
  if (!error.empty()) return {};
  return options;
}

}  // namespace acsim
