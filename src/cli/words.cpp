#include "cli/words.h"

#include <algorithm>
#include <iostream>

#include "cli/exit_code.h"
#include "cli/output.h"

namespace mbr::cli {

json::Array words(std::string_view text) {
  json::Array all;
  while (!text.empty()) {
    const auto comma = std::min(text.find(','), text.size());
    all.emplace_back(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return all;
}

contacts::Who readContactName(const std::string& text) {
  contacts::Who question{parseId(text), Email::parse(text)};
  if (question.email || question.id) return question;
  throw Failure(kUsage, "expected an e-mail address or an id, not `" + text + "`");
}

Email readEmail(const std::string& text) {
  if (auto email = Email::parse(text)) return *std::move(email);
  throw Failure(kUsage, "expected an e-mail address, not `" + text + "`");
}

std::string nameOf(const contacts::Who& question) {
  return question.email ? question.email->text() : std::to_string(question.id.value_or(0));
}

json::Value orNull(const std::string& text) {
  return text.empty() ? json::Value() : json::Value(text);
}

int reportRevoked(const Arguments& arguments, const std::string& what, const Outcome& outcome) {
  if (!outcome && outcome.error().code != Code::kNotFound) throw Failure(outcome.error());
  if (!outcome && !arguments.json) {
    throw Failure(kNegative, "there is no " + what + " `" + arguments.name + "` in force");
  }
  if (arguments.json) {
    printJson(json::Object{{"name", arguments.name}, {"revoked", outcome.ok()}});
  } else if (outputIsTerminal()) {
    std::cout << "The " << what << " `" << arguments.name << "` is refused from now on.\n";
  }
  return outcome ? kOk : kNegative;
}

}  // namespace mbr::cli
