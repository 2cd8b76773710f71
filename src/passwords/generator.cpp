#include "passwords/generator.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <stdexcept>
#include <utility>

namespace mbr::passwords {
namespace {

constexpr double kMinBits = 80;
constexpr int kMaxLength = 64;

}  // namespace

Outcome Generator::validate(const Options& options) {
  const std::string& alphabet = options.alphabet;
  if (!std::all_of(alphabet.begin(), alphabet.end(), [](char c) { return c > ' ' && c <= '~'; })) {
    return Error{Code::kInvalid,
                 "The password alphabet may hold printable ASCII characters only, and no blank."};
  }
  if (std::set<char>(alphabet.begin(), alphabet.end()).size() != alphabet.size()) {
    return Error{Code::kInvalid, "The password alphabet holds a character twice."};
  }
  if (options.length < 1 || options.length > kMaxLength) {
    return Error{Code::kInvalid, "The password length must be 1 to 64 characters."};
  }
  const double bits =
      alphabet.empty() ? 0 : options.length * std::log2(static_cast<double>(alphabet.size()));
  // An exact power of two must not fail by rounding.
  if (bits < kMinBits - 1e-9) {
    return Error{Code::kInvalid, "Passwords of " + std::to_string(options.length) +
                                     " characters from an alphabet of " +
                                     std::to_string(alphabet.size()) + " have only " +
                                     std::to_string(static_cast<int>(bits)) +
                                     " bits; at least 80 are needed."};
  }
  return Done{};
}

Generator::Generator(Options options, Random& random)
    : options_(std::move(options)), random_(random) {
  if (const auto valid = validate(options_); !valid) {
    throw std::invalid_argument(valid.error().detail);
  }
}

Secret Generator::next() {
  std::string text;
  text.reserve(static_cast<std::size_t>(options_.length));
  const auto size = static_cast<std::uint32_t>(options_.alphabet.size());
  for (int i = 0; i < options_.length; ++i) text.push_back(options_.alphabet[random_.below(size)]);
  return Secret::take(std::move(text));
}

}  // namespace mbr::passwords
