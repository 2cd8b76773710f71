// Text that must not be seen: passwords, security codes, keys.
#pragma once

#include <string>
#include <string_view>

namespace mbr {

// Holds the bytes, wipes them when it goes, and has no way into a stream or a log line.
// `reveal()` is the only door; search for it to see where secrets are used.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string_view text) : text_(text) {}
  // Takes the bytes over and wipes what is left of the argument.
  static Secret take(std::string&& text);

  ~Secret() { wipe(); }
  Secret(const Secret&) = default;
  Secret& operator=(const Secret& other);
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;

  const std::string& reveal() const { return text_; }
  bool empty() const { return text_.empty(); }
  std::size_t size() const { return text_.size(); }

  // Constant in time for texts of equal length; the length itself is not hidden.
  bool equals(std::string_view other) const;

 private:
  void wipe() noexcept;
  std::string text_;
};

// Overwrites the bytes of `text`, its spare capacity included, and empties it.
void wipe(std::string& text) noexcept;

// Constant in time for texts of equal length.
bool equalInConstantTime(std::string_view a, std::string_view b);

}  // namespace mbr
