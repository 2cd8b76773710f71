#include "base/json.h"
#include "base/time_format.h"
#include "contacts/contact_cache.h"

namespace mbr::contacts {
namespace {

// Written by hand: rendered once per change, on the way of every read.
class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}

  void name(std::string_view key) {
    out_.push_back(first_ ? '{' : ',');
    first_ = false;
    out_.push_back('"');
    out_ += key;
    out_ += "\":";
  }
  void text(std::string_view key, std::string_view value) {
    name(key);
    json::appendString(out_, value);
  }
  void time(std::string_view key, const std::optional<Instant>& value) {
    name(key);
    if (!value) {
      out_ += "null";
      return;
    }
    out_.push_back('"');
    out_ += formatRfc3339(*value);
    out_.push_back('"');
  }

 private:
  std::string& out_;
  bool first_ = true;
};

void appendId(std::string& out, std::int64_t id) {
  out += "\"id\":\"";
  out += std::to_string(id);
  out.push_back('"');
}

void appendTags(std::string& out, const std::vector<TagId>& tags, const Names& names) {
  out.push_back('[');
  for (std::size_t i = 0; i < tags.size(); ++i) {
    out += i == 0 ? "{" : ",{";
    appendId(out, tags[i]);
    out += ",\"name\":";
    json::appendString(out, names.tagName(tags[i]));
    out.push_back('}');
  }
  out.push_back(']');
}

void appendLists(std::string& out, const std::vector<ListMembership>& lists) {
  out.push_back('[');
  for (std::size_t i = 0; i < lists.size(); ++i) {
    out += i == 0 ? "{" : ",{";
    appendId(out, lists[i].id);
    out += ",\"status\":" + std::to_string(lists[i].status) + "}";
  }
  out.push_back(']');
}

void appendFields(std::string& out, const FieldValues& fields,
                  const std::set<std::string>& hidden) {
  out.push_back('{');
  bool first = true;
  for (const auto& [perstag, value] : fields) {
    if (hidden.count(perstag) > 0) continue;
    if (!first) out.push_back(',');
    first = false;
    json::appendString(out, perstag);
    out.push_back(':');
    json::appendString(out, value);
  }
  out.push_back('}');
}

}  // namespace

std::string renderContact(const Contact& contact, const Names& names,
                          const std::set<std::string>& hidden) {
  std::string out;
  out.reserve(512);
  Writer writer(out);
  writer.text("id", std::to_string(contact.id));
  writer.name("email");
  if (contact.email) {
    json::appendString(out, contact.email->text());
  } else {
    out += "null";
  }
  writer.text("first_name", contact.firstName);
  writer.text("last_name", contact.lastName);
  writer.text("phone", contact.phone);
  writer.name("tags");
  appendTags(out, contact.tags, names);
  writer.name("fields");
  appendFields(out, contact.fields, hidden);
  writer.name("lists");
  appendLists(out, contact.lists);
  writer.time("created_at", contact.createdAt);
  writer.time("updated_at", contact.updatedAt);
  writer.time("as_of", contact.asOf);
  writer.name("confirmed");
  out += contact.confirmed ? "true" : "false";
  writer.name("version");
  out += std::to_string(contact.version);
  out.push_back('}');
  return out;
}

}  // namespace mbr::contacts
