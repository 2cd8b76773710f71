#include "fastcgi/request_head.h"

#include <algorithm>
#include <cstdint>

namespace mbr::fastcgi {
namespace {

constexpr std::size_t kRecordHeaderBytes = 8;
constexpr std::size_t kBeginBytes = 8;
constexpr std::uint8_t kVersion = 1;
constexpr std::uint8_t kBegin = 1;
constexpr std::uint8_t kParams = 4;

std::uint8_t byteAt(std::string_view bytes, std::size_t index) {
  return static_cast<std::uint8_t>(bytes[index]);
}

// Walks over name-value pairs that may be cut anywhere by record boundaries.
class Pairs {
 public:
  // False if a pair is longer than a head may be.
  bool feed(std::string_view content) {
    while (!content.empty()) {
      if (textBytes_ > 0) {
        const auto skipped = std::min(textBytes_, content.size());
        textBytes_ -= skipped;
        content.remove_prefix(skipped);
        continue;
      }
      if (!feedLength(byteAt(content, 0))) return false;
      content.remove_prefix(1);
    }
    return true;
  }

  bool atBoundary() const { return textBytes_ == 0 && lengthBytes_ == 0 && !hasName_; }

 private:
  // A length is one byte, or four with the highest bit set.
  bool feedLength(std::uint8_t byte) {
    if (lengthBytes_ > 0) {
      length_ = length_ << 8 | byte;
      --lengthBytes_;
    } else if (byte < 0x80) {
      length_ = byte;
    } else {
      length_ = byte & 0x7F;
      lengthBytes_ = 3;
    }
    if (lengthBytes_ > 0) return true;
    pairBytes_ += length_;
    if (pairBytes_ > kMaxHeadBytes) return false;
    hasName_ = !hasName_;
    if (!hasName_) {
      textBytes_ = pairBytes_;
      pairBytes_ = 0;
    }
    return true;
  }

  std::size_t length_ = 0;
  int lengthBytes_ = 0;        // still to come of the length
  bool hasName_ = false;       // the name's length is known, the value's is next
  std::size_t pairBytes_ = 0;  // what the lengths say so far
  std::size_t textBytes_ = 0;  // still to come of name and value
};

}  // namespace

HeadCheck checkHead(std::string_view bytes) {
  Pairs pairs;
  for (bool first = true; bytes.size() >= kRecordHeaderBytes; first = false) {
    const std::size_t contentBytes = byteAt(bytes, 4) * 256U + byteAt(bytes, 5);
    const std::size_t paddingBytes = byteAt(bytes, 6);
    if (byteAt(bytes, 0) != kVersion) return HeadCheck::kBroken;
    if (byteAt(bytes, 1) != (first ? kBegin : kParams)) return HeadCheck::kBroken;
    if (first && contentBytes != kBeginBytes) return HeadCheck::kBroken;
    if (!first && contentBytes == 0) {
      return pairs.atBoundary() ? HeadCheck::kWhole : HeadCheck::kBroken;
    }
    bytes.remove_prefix(kRecordHeaderBytes);
    if (bytes.size() < contentBytes + paddingBytes) return HeadCheck::kUnfinished;
    if (!first && !pairs.feed(bytes.substr(0, contentBytes))) return HeadCheck::kBroken;
    bytes.remove_prefix(contentBytes + paddingBytes);
  }
  return HeadCheck::kUnfinished;
}

}  // namespace mbr::fastcgi
