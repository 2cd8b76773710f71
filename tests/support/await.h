// Waiting for what another thread does, where nothing tells of it.
#pragma once

#include <cppunit/extensions/HelperMacros.h>
#include <poll.h>

#include <chrono>

namespace mbr::test {

constexpr std::chrono::seconds kPatience{20};

// Fails the test if it never comes true.
template <class ConditionFn>
void await(const char* what, ConditionFn condition) {
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    CPPUNIT_ASSERT_MESSAGE(what, std::chrono::steady_clock::now() < until);
    ::poll(nullptr, 0, 1);
  }
}

}  // namespace mbr::test
