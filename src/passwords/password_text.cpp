#include "passwords/password_text.h"

#include <algorithm>
#include <iterator>
#include <string>

#include "base/utf8.h"

namespace mbr::passwords {
namespace {

constexpr std::string_view kWords[] = {
    "password",  "passwort",      "passw0rd", "p@ssword",  "p@ssw0rd",   "welcome",  "willkommen",
    "letmein",   "iloveyou",      "ilovegod", "qwerty",    "qwertyuiop", "qwertz",   "azerty",
    "asdfgh",    "asdfghjkl",     "zxcvbn",   "zxcvbnm",   "abcdef",     "abcdefgh", "abc",
    "admin",     "administrator", "root",     "user",      "guest",      "login",    "access",
    "secret",    "changeme",      "default",  "master",    "superman",   "batman",   "spiderman",
    "pokemon",   "starwars",      "football", "baseball",  "basketball", "soccer",   "hockey",
    "liverpool", "chelsea",       "arsenal",  "barcelona", "dragon",     "monkey",   "tiger",
    "princess",  "sunshine",      "flower",   "butterfly", "chocolate",  "cookie",   "summer",
    "winter",    "spring",        "autumn",   "hello",     "helloworld", "whatever", "trustno",
    "michael",   "jennifer",      "jessica",  "ashley",    "charlie",    "jordan",   "internet",
    "computer",  "membership"};

constexpr std::string_view kEndings[] = {
    "",     "1",     "2",     "3",      "7",      "!",       "!!",   "?",    ".",    "#",
    "01",   "11",    "12",    "22",     "69",     "77",      "88",   "99",   "00",   "007",
    "111",  "123",   "321",   "666",    "777",    "1!",      "12!",  "123!", "@123", "#123",
    "1234", "1111",  "4321",  "2020",   "2021",   "2022",    "2023", "2024", "2025", "2026",
    "2027", "12345", "54321", "123456", "654321", "12345678"};

constexpr std::string_view kWalks[] = {
    "1q2w3e4r5t",     "1q2w3e4r5t6y",  "1qaz2wsx3edc", "qazwsxedcrfv",
    "1qazxsw23edc",   "zaq12wsxcde3",  "q1w2e3r4t5",   "q1w2e3r4t5y6",
    "qweasdzxcv",     "qweasdzxc123",  "qwertyasdfgh", "qwer1234asdf",
    "qwertzuiopasdf", "asdfghjkl1234", "zxcvbnmasdf",  "1234qwerasdf"};

constexpr std::string_view kRuns[] = {"01234567890123456789",       "98765432109876543210",
                                      "abcdefghijklmnopqrstuvwxyz", "zyxwvutsrqponmlkjihgfedcba",
                                      "qwertyuiopasdfghjklzxcvbnm", "qwertzuiopasdfghjklyxcvbnm",
                                      "azertyuiopqsdfghjklmwxcvbn", "11223344556677889900"};

struct Sentence {
  PasswordFault fault;
  std::string_view sentence;
};

constexpr Sentence kSentences[] = {
    {PasswordFault::kSize, "A password has 1 to 256 bytes."},
    {PasswordFault::kEncoding, "A password must be valid UTF-8."},
    {PasswordFault::kControlCharacter, "A password must not hold control characters."},
    {PasswordFault::kTooLongDefault, "A default password has 1 to 64 characters."},
    {PasswordFault::kTooShort, "The password must have at least 10 characters."},
    {PasswordFault::kIsEmail, "The password must not be the e-mail address."},
    {PasswordFault::kCommon, "The password is too easy to guess."},
};

Error wrong(PasswordFault fault) {
  const auto row = std::find_if(std::begin(kSentences), std::end(kSentences),
                                [&](const Sentence& each) { return each.fault == fault; });
  return {Code::kInvalid, std::string(row->sentence)};
}

std::string lowerCase(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

std::size_t countCharacters(std::string_view utf8) {
  return static_cast<std::size_t>(std::count_if(utf8.begin(), utf8.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

template <std::size_t N>
bool holds(const std::string_view (&list)[N], std::string_view text) {
  return std::find(std::begin(list), std::end(list), text) != std::end(list);
}

bool endsWith(std::string_view text, std::string_view ending) {
  return text.size() >= ending.size() && text.substr(text.size() - ending.size()) == ending;
}

}  // namespace

bool isCommonPassword(std::string_view text) {
  const std::string lower = lowerCase(text);
  const std::string_view whole = lower;
  if (whole.empty() || whole.find_first_not_of(whole.front()) == std::string_view::npos)
    return true;
  if (holds(kWalks, whole)) return true;
  const auto inRun = [&](std::string_view run) {
    return run.find(whole) != std::string_view::npos;
  };
  if (std::any_of(std::begin(kRuns), std::end(kRuns), inRun)) return true;
  return std::any_of(std::begin(kEndings), std::end(kEndings), [&](std::string_view ending) {
    if (!endsWith(whole, ending)) return false;
    const std::string_view stem = whole.substr(0, whole.size() - ending.size());
    const std::string_view half = stem.substr(0, stem.size() / 2);
    return holds(kWords, stem) ||
           (stem == std::string(half) + std::string(half) && holds(kWords, half));
  });
}

std::optional<PasswordFault> faultOf(const Error& error) {
  if (error.code != Code::kInvalid) return std::nullopt;
  const auto found = std::find_if(std::begin(kSentences), std::end(kSentences),
                                  [&](const auto& row) { return row.sentence == error.detail; });
  return found == std::end(kSentences) ? std::nullopt : std::optional(found->fault);
}

Outcome checkPassword(std::string_view text) {
  if (text.empty() || text.size() > kMaxPasswordBytes) return wrong(PasswordFault::kSize);
  if (!isValidUtf8(text)) return wrong(PasswordFault::kEncoding);
  if (hasControlCharacter(text)) return wrong(PasswordFault::kControlCharacter);
  return Done{};
}

Outcome checkDefaultPassword(std::string_view text) {
  if (auto valid = checkPassword(text); !valid) return valid;
  if (countCharacters(text) > kMaxDefaultCharacters) return wrong(PasswordFault::kTooLongDefault);
  return Done{};
}

Outcome checkChosenPassword(std::string_view text, const Email& email) {
  if (auto valid = checkPassword(text); !valid) return valid;
  if (countCharacters(text) < kMinChosenCharacters) return wrong(PasswordFault::kTooShort);
  if (lowerCase(text) == email.text()) return wrong(PasswordFault::kIsEmail);
  if (isCommonPassword(text)) return wrong(PasswordFault::kCommon);
  return Done{};
}

}  // namespace mbr::passwords
