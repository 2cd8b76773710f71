#include "webhook/delivery_parser.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/time_format.h"

namespace mbr::webhook {
namespace {

constexpr std::size_t kMaxTypeBytes = 64;
// How far ActiveCampaign's clock may be ahead of ours. A date_time from the far future would make
// every later event look old.
constexpr std::chrono::minutes kClockSkew{5};

constexpr std::array<std::string_view, 16> kContactEvents{"bounce",
                                                          "click",
                                                          "contact_tag_added",
                                                          "contact_tag_removed",
                                                          "forward",
                                                          "open",
                                                          "reply",
                                                          "share",
                                                          "sms_reply",
                                                          "sms_sent",
                                                          "sms_unsub",
                                                          "subscribe",
                                                          "update",
                                                          "subscriber_note",
                                                          "unsubscribe",
                                                          "contact_task_add"};

bool startsWith(std::string_view text, std::string_view start) {
  return text.substr(0, start.size()) == start;
}

bool endsWith(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

// The value that a body gives under a key, null if it gives none. The last one counts.
struct Keys {
  const std::string_view* id = nullptr;
  const std::string_view* email = nullptr;
  const std::string_view* firstName = nullptr;
  const std::string_view* lastName = nullptr;
  const std::string_view* phone = nullptr;
  const std::string_view* tags = nullptr;
  const std::string_view* type = nullptr;
  const std::string_view* dateTime = nullptr;
  const std::string_view* tag = nullptr;
  const std::string_view* list = nullptr;
};

const std::string_view** slotOf(Keys& keys, std::string_view key) {
  constexpr std::string_view kContact = "contact[";
  if (startsWith(key, kContact)) {
    key.remove_prefix(kContact.size());
    if (key == "id]") return &keys.id;
    if (key == "email]") return &keys.email;
    if (key == "first_name]") return &keys.firstName;
    if (key == "last_name]") return &keys.lastName;
    if (key == "phone]") return &keys.phone;
    if (key == "tags]") return &keys.tags;
    return nullptr;
  }
  if (key == "type") return &keys.type;
  if (key == "date_time") return &keys.dateTime;
  if (key == "tag" || key == "tag[tag]") return &keys.tag;
  if (key == "list" || (startsWith(key, "list[") && endsWith(key, "[id]"))) return &keys.list;
  return nullptr;
}

// "39" of "contact[fields][39]"; "" if the key is no custom field with one value.
std::string_view fieldKey(std::string_view key) {
  constexpr std::string_view kFields = "contact[fields][";
  if (!startsWith(key, kFields) || key.back() != ']') return {};
  key = key.substr(kFields.size(), key.size() - kFields.size() - 1);
  return key.find_first_of("[]") == std::string_view::npos ? key : std::string_view();
}

bool isWord(std::string_view text) {
  return text.size() <= kMaxTypeBytes && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
         });
}

bool isBlank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

std::optional<std::string> copied(const std::string_view* text) {
  return text == nullptr ? std::nullopt : std::optional<std::string>(*text);
}

Outcome readEvent(const Keys& keys, Instant receivedAt, Delivery& delivery) {
  if (keys.type == nullptr || keys.type->empty()) return Done{};
  const std::string_view type = *keys.type;
  if (!isWord(type)) return Error{Code::kInvalid, "The event's type is not a word."};
  delivery.dialect = Delivery::Dialect::kEvent;
  delivery.eventType = type;
  if (keys.dateTime != nullptr) {
    const auto at = parseIso8601(*keys.dateTime);
    if (at && *at <= receivedAt + kClockSkew) delivery.happenedAt = at;
  }
  if (type == "contact_tag_added" || type == "contact_tag_removed") {
    delivery.changedTag = copied(keys.tag);
  }
  if (keys.list != nullptr && (type == "subscribe" || type == "unsubscribe")) {
    delivery.list = parseId(*keys.list);  // "0" is no list
  }
  return Done{};
}

Outcome readIdentity(const Keys& keys, Delivery& delivery) {
  if (keys.id != nullptr) {
    delivery.contactId = parseId(*keys.id);
    if (!delivery.contactId) {
      return Error{Code::kInvalid, "contact[id] is not a positive integer."};
    }
  }
  if (keys.email != nullptr && !isBlank(*keys.email)) {
    delivery.email = Email::parse(*keys.email);
    if (!delivery.email && !delivery.contactId) {
      return Error{Code::kInvalid, "contact[email] is not an e-mail address."};
    }
  }
  if (!delivery.contactId && !delivery.email) {
    return Error{Code::kNotFound, "the body names no contact"};
  }
  return Done{};
}

}  // namespace

bool isAboutContact(std::string_view eventType) {
  return std::find(kContactEvents.begin(), kContactEvents.end(), eventType) != kContactEvents.end();
}

Result<Delivery> parseDelivery(const http::Form& body, Instant receivedAt,
                               const HiddenField& isHidden) {
  Delivery delivery;
  delivery.receivedAt = receivedAt;
  Keys keys;
  delivery.fields.reserve(body.fields().size());
  for (const auto& [key, value] : body.fields()) {
    const std::string_view field = fieldKey(key);
    if (!field.empty()) {
      if (!isHidden(field)) delivery.fields.emplace_back(field, value);
    } else if (const std::string_view** slot = slotOf(keys, key)) {
      *slot = &value;
    }
  }
  if (auto read = readEvent(keys, receivedAt, delivery); !read) return read.error();
  if (auto read = readIdentity(keys, delivery); !read) return read.error();
  delivery.firstName = copied(keys.firstName);
  delivery.lastName = copied(keys.lastName);
  delivery.phone = copied(keys.phone);
  delivery.tagText = copied(keys.tags);
  return delivery;
}

}  // namespace mbr::webhook
