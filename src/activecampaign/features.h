// What this account's API turned out to do.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace mbr::activecampaign {

// Whether `include=` brings a contact's tags along, for one contact by id and for pages of
// contacts: not documented, used by many, and worth two calls of three. Learnt from the first
// answer that shows it, and again whenever an answer lacks what it used to hold.
//
// Thread-safe; one for all clients of the process.
class Features {
 public:
  enum class Read { kContact, kPage };
  // Called with the text to keep, on the thread of the client that learnt it.
  using Remember = std::function<void(const std::string& saved)>;

  // `saved` is what Remember was last given; "" = nothing is known.
  explicit Features(std::string_view saved = "", Remember remember = {});

  std::optional<bool> includes(Read read) const;
  void learn(Read read, bool includes);

  // "contact=yes,page=no"; "" = nothing is known.
  std::string text() const;

 private:
  std::string textLocked() const;

  const Remember remember_;
  mutable std::mutex mutex_;
  std::optional<bool> contact_;  // guarded by mutex_
  std::optional<bool> page_;     // guarded by mutex_
};

}  // namespace mbr::activecampaign
