// Writes JSON as PHP's json_encode does: no blanks, `\/`, and `\uXXXX` for all
// that is not ASCII. Calls must nest properly; commas are set by themselves.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace acsim {

class JsonOut {
 public:
  JsonOut& open();
  JsonOut& close();
  JsonOut& openArray();
  JsonOut& closeArray();
  JsonOut& key(std::string_view name);

  JsonOut& text(std::string_view value);
  JsonOut& number(std::int64_t value);
  JsonOut& boolean(bool value);
  JsonOut& null();
  JsonOut& raw(std::string_view json);  // one ready value
  // A string, as in ActiveCampaign, or a number where this thread has a NumericIds.
  JsonOut& id(std::int64_t value);

  JsonOut& put(std::string_view name, std::string_view value) { return key(name).text(value); }
  JsonOut& put(std::string_view name, std::int64_t value) { return key(name).number(value); }
  JsonOut& putId(std::string_view name, std::int64_t value) { return key(name).id(value); }
  JsonOut& putBool(std::string_view name, bool value) { return key(name).boolean(value); }
  JsonOut& putNull(std::string_view name) { return key(name).null(); }
  JsonOut& putEmpty(std::string_view name) { return key(name).raw("[]"); }

  const std::string& str() const { return out_; }
  std::string take() { return std::move(out_); }

 private:
  void separate();

  std::string out_;
  bool comma_ = false;  // the next value or key follows another one
};

// While it lives, what its thread writes has numbers for ids, if `on`.
class NumericIds {
 public:
  explicit NumericIds(bool on);
  ~NumericIds();
  NumericIds(const NumericIds&) = delete;
  NumericIds& operator=(const NumericIds&) = delete;
};

}  // namespace acsim
