#include "json_out.h"

#include <cstdio>

namespace acsim {
namespace {

thread_local bool numericIds = false;

void appendUnit(std::string& out, unsigned unit) {
  char text[8];
  std::snprintf(text, sizeof text, "\\u%04x", unit);
  out += text;
}

void appendCodePoint(std::string& out, unsigned point) {
  if (point < 0x10000) return appendUnit(out, point);
  point -= 0x10000;
  appendUnit(out, 0xd800 + (point >> 10));
  appendUnit(out, 0xdc00 + (point & 0x3ff));
}

// Decodes one UTF-8 sequence; a broken one counts as U+FFFD and one byte.
unsigned decode(std::string_view text, std::size_t& at) {
  const unsigned char first = static_cast<unsigned char>(text[at]);
  const int more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : first >= 0xc2 ? 1 : 0;
  if (more == 0 || first > 0xf4 || at + static_cast<std::size_t>(more) >= text.size()) {
    ++at;
    return 0xfffd;
  }
  unsigned point = first & (0x3f >> more);
  for (int i = 1; i <= more; ++i) {
    const unsigned char next = static_cast<unsigned char>(text[at + i]);
    if ((next & 0xc0) != 0x80) {
      ++at;
      return 0xfffd;
    }
    point = (point << 6) | (next & 0x3f);
  }
  at += static_cast<std::size_t>(more) + 1;
  return point;
}

}  // namespace

void JsonOut::separate() {
  if (comma_) out_ += ',';
  comma_ = true;
}

JsonOut& JsonOut::open() {
  separate();
  out_ += '{';
  comma_ = false;
  return *this;
}

JsonOut& JsonOut::close() {
  out_ += '}';
  comma_ = true;
  return *this;
}

JsonOut& JsonOut::openArray() {
  separate();
  out_ += '[';
  comma_ = false;
  return *this;
}

JsonOut& JsonOut::closeArray() {
  out_ += ']';
  comma_ = true;
  return *this;
}

JsonOut& JsonOut::key(std::string_view name) {
  text(name);
  out_ += ':';
  comma_ = false;
  return *this;
}

JsonOut& JsonOut::text(std::string_view value) {
  separate();
  out_ += '"';
  for (std::size_t at = 0; at < value.size();) {
    const unsigned char c = static_cast<unsigned char>(value[at]);
    if (c >= 0x80) {
      appendCodePoint(out_, decode(value, at));
      continue;
    }
    ++at;
    switch (c) {
      case '"':
        out_ += "\\\"";
        break;
      case '\\':
        out_ += "\\\\";
        break;
      case '/':
        out_ += "\\/";
        break;
      case '\n':
        out_ += "\\n";
        break;
      case '\r':
        out_ += "\\r";
        break;
      case '\t':
        out_ += "\\t";
        break;
      default:
        if (c < 0x20) {
          appendUnit(out_, c);
        } else {
          out_ += static_cast<char>(c);
        }
    }
  }
  out_ += '"';
  return *this;
}

JsonOut& JsonOut::number(std::int64_t value) { return raw(std::to_string(value)); }

JsonOut& JsonOut::boolean(bool value) { return raw(value ? "true" : "false"); }

JsonOut& JsonOut::null() { return raw("null"); }

JsonOut& JsonOut::id(std::int64_t value) {
  return numericIds ? number(value) : text(std::to_string(value));
}

NumericIds::NumericIds(bool on) { numericIds = on; }

NumericIds::~NumericIds() { numericIds = false; }

JsonOut& JsonOut::raw(std::string_view json) {
  separate();
  out_ += json;
  return *this;
}

}  // namespace acsim
