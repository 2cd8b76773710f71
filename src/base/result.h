// A value or an Error. Expected failures travel as values; exceptions are for start-up and bugs.
#pragma once

#include <cstdlib>
#include <utility>
#include <variant>

#include "base/error.h"

namespace mbr {

// Holds exactly one of a T and an Error. Reading the one that is not there aborts: that is a bug.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : held_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: by intent
  Result(Error error) : held_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: by intent

  bool ok() const { return held_.index() == 0; }
  explicit operator bool() const { return ok(); }

  const T& value() const& { return *require(std::get_if<0>(&held_)); }
  T& value() & { return *require(std::get_if<0>(&held_)); }
  T&& value() && { return std::move(*require(std::get_if<0>(&held_))); }
  const T& operator*() const& { return value(); }
  T& operator*() & { return value(); }
  const T* operator->() const { return &value(); }
  T* operator->() { return &value(); }

  const Error& error() const { return *require(std::get_if<1>(&held_)); }

 private:
  template <class P>
  static P* require(P* held) {
    if (held == nullptr) std::abort();
    return held;
  }

  std::variant<T, Error> held_;
};

struct Done {};

// Success without a value, or an Error.
using Outcome = Result<Done>;

}  // namespace mbr
