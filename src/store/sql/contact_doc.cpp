#include "store/sql/contact_doc.h"

#include <charconv>

#include "base/json.h"

namespace mbr::store::sql {
namespace {

void appendNumber(std::string& out, std::int64_t number) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  out.append(digits, end);
}

void appendUtf8(std::string& out, unsigned point) {
  const auto put = [&](unsigned byte) { out.push_back(static_cast<char>(byte)); };
  if (point < 0x80) {
    put(point);
  } else if (point < 0x800) {
    put(0xc0 | (point >> 6));
    put(0x80 | (point & 0x3f));
  } else if (point < 0x10000) {
    put(0xe0 | (point >> 12));
    put(0x80 | ((point >> 6) & 0x3f));
    put(0x80 | (point & 0x3f));
  } else {
    put(0xf0 | (point >> 18));
    put(0x80 | ((point >> 12) & 0x3f));
    put(0x80 | ((point >> 6) & 0x3f));
    put(0x80 | (point & 0x3f));
  }
}

// Walks over a JSON text that this file wrote. Once something is not as expected, `ok()` is false
// and stays so, and every loop ends.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

  bool ok() const { return ok_; }
  bool atEnd() const { return at_ == end_; }

  bool take(char c) {
    if (!ok_ || at_ == end_ || *at_ != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!take(c)) ok_ = false;
  }

  // Calls `item` for each item between the brackets.
  template <class ItemFn>
  void list(char open, char close, ItemFn item) {
    expect(open);
    if (take(close)) return;
    do {
      item();
    } while (ok_ && take(','));
    expect(close);
  }

  std::int64_t number() {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(at_, end_, value);
    if (error != std::errc()) ok_ = false;
    at_ = end;
    return value;
  }

  std::string string() {
    expect('"');
    // Most hold nothing that is escaped.
    const std::string_view rest(at_, static_cast<std::size_t>(end_ - at_));
    const auto quote = rest.find('"');
    if (ok_ && quote != std::string_view::npos &&
        rest.substr(0, quote).find('\\') == std::string_view::npos) {
      at_ += quote + 1;
      return std::string(rest.substr(0, quote));
    }
    std::string text;
    while (ok_) {
      const char* start = at_;
      while (at_ != end_ && *at_ != '"' && *at_ != '\\') ++at_;
      text.append(start, at_);
      if (take('"')) return text;
      expect('\\');
      if (ok_) escape(text);
    }
    return text;
  }

  void skipValue(int depth = 0) {
    if (at_ == end_ || depth > 16) {
      ok_ = false;
    } else if (*at_ == '"') {
      string();
    } else if (*at_ == '[') {
      list('[', ']', [&] { skipValue(depth + 1); });
    } else if (*at_ == '{') {
      list('{', '}', [&] {
        string();
        expect(':');
        skipValue(depth + 1);
      });
    } else {
      while (at_ != end_ && *at_ != ',' && *at_ != ']' && *at_ != '}') ++at_;
    }
  }

 private:
  void escape(std::string& text) {
    if (at_ == end_) {
      ok_ = false;
      return;
    }
    switch (const char c = *at_++; c) {
      case '"':
      case '\\':
      case '/':
        text.push_back(c);
        break;
      case 'b':
        text.push_back('\b');
        break;
      case 'f':
        text.push_back('\f');
        break;
      case 'n':
        text.push_back('\n');
        break;
      case 'r':
        text.push_back('\r');
        break;
      case 't':
        text.push_back('\t');
        break;
      case 'u':
        unicodeEscape(text);
        break;
      default:
        ok_ = false;
    }
  }

  unsigned fourDigits() {
    unsigned value = 0;
    if (end_ - at_ < 4 || std::from_chars(at_, at_ + 4, value, 16).ptr != at_ + 4) {
      ok_ = false;
      return 0;
    }
    at_ += 4;
    return value;
  }

  void unicodeEscape(std::string& text) {
    unsigned point = fourDigits();
    if (point >= 0xd800 && point < 0xdc00) {
      expect('\\');
      expect('u');
      const unsigned low = fourDigits();
      if (low < 0xdc00 || low > 0xdfff) ok_ = false;
      point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
    }
    if (ok_) appendUtf8(text, point);
  }

  const char* at_;
  const char* end_;
  bool ok_ = true;
};

void readTags(Cursor& cursor, std::vector<TagId>& tags) {
  cursor.list('[', ']', [&] { tags.push_back(cursor.number()); });
}

void readMember(Cursor& cursor, std::string_view key, Contact& contact) {
  if (key == "tags") {
    readTags(cursor, contact.tags);
  } else if (key == "first_name") {
    contact.firstName = cursor.string();
  } else if (key == "last_name") {
    contact.lastName = cursor.string();
  } else if (key == "phone") {
    contact.phone = cursor.string();
  } else if (key == "fields") {
    cursor.list('{', '}', [&] {
      std::string name = cursor.string();
      cursor.expect(':');
      contact.fields.insert_or_assign(contact.fields.end(), std::move(name), cursor.string());
    });
  } else if (key == "lists") {
    cursor.list('[', ']', [&] {
      ListMembership membership;
      cursor.expect('[');
      membership.id = cursor.number();
      cursor.expect(',');
      membership.status = static_cast<int>(cursor.number());
      cursor.expect(']');
      contact.lists.push_back(membership);
    });
  } else if (key == "created_at") {
    contact.createdAt = fromEpochMs(cursor.number());
  } else {
    cursor.skipValue();
  }
}

void appendTextMember(std::string& out, std::string_view key, const std::string& text) {
  if (text.empty()) return;
  out += key;
  json::appendString(out, text);
}

}  // namespace

std::string writeContactDoc(const Contact& contact) {
  std::string out;
  out.reserve(256 + 48 * contact.fields.size());
  out += "{\"tags\":[";
  for (const TagId tag : contact.tags) {
    appendNumber(out, tag);
    out.push_back(',');
  }
  if (!contact.tags.empty()) out.pop_back();
  out.push_back(']');
  appendTextMember(out, ",\"first_name\":", contact.firstName);
  appendTextMember(out, ",\"last_name\":", contact.lastName);
  appendTextMember(out, ",\"phone\":", contact.phone);
  if (!contact.fields.empty()) {
    out += ",\"fields\":{";
    for (const auto& [name, value] : contact.fields) {
      json::appendString(out, name);
      out.push_back(':');
      json::appendString(out, value);
      out.push_back(',');
    }
    out.back() = '}';
  }
  if (!contact.lists.empty()) {
    out += ",\"lists\":[";
    for (const ListMembership& membership : contact.lists) {
      out.push_back('[');
      appendNumber(out, membership.id);
      out.push_back(',');
      appendNumber(out, membership.status);
      out += "],";
    }
    out.back() = ']';
  }
  if (contact.createdAt) {
    out += ",\"created_at\":";
    appendNumber(out, toEpochMs(*contact.createdAt));
  }
  out.push_back('}');
  return out;
}

bool readContactDoc(std::string_view doc, Contact& contact) {
  Cursor cursor(doc);
  cursor.list('{', '}', [&] {
    const std::string key = cursor.string();
    cursor.expect(':');
    if (cursor.ok()) readMember(cursor, key, contact);
  });
  return cursor.ok() && cursor.atEnd();
}

std::vector<TagId> tagsOfDoc(std::string_view doc) {
  constexpr std::string_view kStart = "{\"tags\":";
  std::vector<TagId> tags;
  if (doc.substr(0, kStart.size()) == kStart) {
    Cursor cursor(doc.substr(kStart.size()));
    readTags(cursor, tags);
  }
  return tags;
}

std::string writeOwnChanges(const std::vector<OwnChange>& changes) {
  if (changes.empty()) return {};
  std::string out = "[";
  for (const OwnChange& change : changes) {
    out.push_back('[');
    appendNumber(out, static_cast<int>(change.kind));
    out.push_back(',');
    appendNumber(out, change.tag);
    out.push_back(',');
    json::appendString(out, change.field);
    out.push_back(',');
    json::appendString(out, change.value);
    out.push_back(',');
    appendNumber(out, toEpochMs(change.at));
    out += "],";
  }
  out.back() = ']';
  return out;
}

bool readOwnChanges(std::string_view text, std::vector<OwnChange>& changes) {
  if (text.empty()) return true;
  Cursor cursor(text);
  cursor.list('[', ']', [&] {
    OwnChange change;
    cursor.expect('[');
    change.kind = static_cast<OwnChange::Kind>(cursor.number());
    cursor.expect(',');
    change.tag = cursor.number();
    cursor.expect(',');
    change.field = cursor.string();
    cursor.expect(',');
    change.value = cursor.string();
    cursor.expect(',');
    change.at = fromEpochMs(cursor.number());
    cursor.expect(']');
    changes.push_back(std::move(change));
  });
  return cursor.ok() && cursor.atEnd();
}

}  // namespace mbr::store::sql
