// Which texts may be a password. Pure.
//
// Every Error is kInvalid, and its detail is a sentence for the sender that does not hold the text.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "domain/email.h"

namespace mbr::passwords {

inline constexpr std::size_t kMaxPasswordBytes = 256;
inline constexpr std::size_t kMaxDefaultCharacters = 64;
inline constexpr std::size_t kMinChosenCharacters = 10;

// What may be wrong with a text.
enum class PasswordFault {
  kSize,      // not 1 to 256 bytes
  kEncoding,  // no valid UTF-8
  kControlCharacter,
  kTooLongDefault,  // more than 64 characters
  kTooShort,        // less than 10 characters
  kIsEmail,
  kCommon,
};

// The fault that an Error of this file tells of, for those who have words of their own for it.
// Nothing for any other Error.
std::optional<PasswordFault> faultOf(const Error& error);

// Any password, also one that is only to be checked: 1 to 256 bytes of UTF-8 without control
// characters. It is taken as it is, without normalisation.
Outcome checkPassword(std::string_view text);

// `default_pass` of a webhook: also at most 64 characters.
Outcome checkDefaultPassword(std::string_view text);

// One that a member or the site chooses: also at least 10 characters, not the e-mail, not common.
Outcome checkChosenPassword(std::string_view text, const Email& email);

// Whether guessing lists hold it, whatever its letters' case: one character repeated, a run of
// digits or letters, a walk over the keyboard, a common word with a common ending, or a common
// word twice. Covers some 4,000 texts of at least 10 characters.
bool isCommonPassword(std::string_view text);

}  // namespace mbr::passwords
