// What the micro-benchmarks are about: the members of tests/bench/members.py, in C++.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "domain/contact.h"
#include "domain/delivery.h"
#include "store/records.h"

namespace mbr::bench {

inline constexpr ContactId kFirstId = 1000;

// The body of an automation's webhook about a contact, some 1 KB; `note` is one field's value.
std::string automationBody(ContactId id, const std::string& note);

// The same contact as a pull of it leaves it in the store.
Contact contact(ContactId id);

std::string emailOf(ContactId id);

// The directories that name its tags and fields.
std::vector<store::NamedId> tags();
std::vector<store::FieldRecord> fields();

}  // namespace mbr::bench
