#include "micro/subject.h"

namespace mbr::bench {
namespace {

const std::vector<std::string> kFields = {"PLAN",   "CITY",     "COMPANY",  "RENEWAL",
                                          "COURSE", "SOURCE",   "COUNTRY",  "LEVEL",
                                          "COACH",  "LANGUAGE", "REFERRER", "NOTE"};
const std::vector<std::string> kTags = {"Member", "Gold", "Newsletter", "Course: Bread, cakes"};
constexpr const char* kValue = "amber basil cedar delta";

std::string lowerCased(std::string text) {
  for (char& c : text) c = static_cast<char>(c | 0x20);
  return text;
}

}  // namespace

std::string emailOf(ContactId id) { return "member-" + std::to_string(id) + "@example.com"; }

std::string automationBody(ContactId id, const std::string& note) {
  std::string body =
      "seriesid=1&contact%5Bid%5D=" + std::to_string(id) + "&contact%5Bemail%5D=member-" +
      std::to_string(id) +
      "%40example.com&contact%5Bfirst_name%5D=Amber&contact%5Blast_name%5D=Basilson"
      "&contact%5Bphone%5D=%2B1+555+0000007&contact%5Borgname%5D=&contact%5Btags%5D=Member%2C+"
      "Gold%2C+Newsletter%2C+Course%3A+Bread%2C+cakes&contact%5Bip4%5D=203.0.113.9";
  for (const std::string& field : kFields) {
    body += "&contact%5Bfields%5D%5B" + lowerCased(field) + "%5D=";
    body += field == "NOTE" ? note : "amber+basil+cedar+delta";
  }
  return body;
}

Contact contact(ContactId id) {
  Contact contact;
  contact.id = id;
  contact.email = Email::parse(emailOf(id));
  contact.firstName = "Amber";
  contact.lastName = "Basilson";
  contact.phone = "+1 555 0000007";
  for (const std::string& field : kFields) contact.fields[field] = kValue;
  for (std::size_t i = 0; i < kTags.size(); ++i) contact.tags.push_back(static_cast<TagId>(i) + 1);
  contact.lists = {{1, 1}};
  contact.asOf = contact.changedAt = SystemClock().now();
  contact.pulledAt = contact.asOf;
  contact.confirmed = true;
  contact.version = 1;
  return contact;
}

std::vector<store::NamedId> tags() {
  std::vector<store::NamedId> rows;
  for (const std::string& name : kTags) {
    rows.push_back({static_cast<std::int64_t>(rows.size()) + 1, name});
  }
  return rows;
}

std::vector<store::FieldRecord> fields() {
  std::vector<store::FieldRecord> rows;
  for (const std::string& name : kFields) {
    rows.push_back({static_cast<std::int64_t>(rows.size()) + 1, name, name});
  }
  return rows;
}

}  // namespace mbr::bench
