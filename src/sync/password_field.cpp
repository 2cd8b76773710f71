#include "sync/password_field.h"

namespace mbr::sync {

Result<ContactReader::Read> readWithPassword(const Workshop& workshop,
                                             activecampaign::Client& client,
                                             const contacts::Who& who,
                                             const activecampaign::Call& call) {
  auto read = workshop.reader.read(client, who, call);
  if (!read || !read->snapshot) return read;
  if (!read->snapshot->password || read->namesIncomplete) {
    const Outcome fetched = workshop.reader.fetchDirectories(client, call);
    if (!fetched) return fetched.error();
    read = workshop.reader.read(client, who, call, ContactReader::UnknownField::kForeign);
  }
  if (read && read->snapshot && !read->snapshot->password) {
    return Error{Code::kUnavailable, "the answer did not show the password field"};
  }
  return read;
}

Outcome clearPassword(const Workshop& workshop, activecampaign::Client& client, ContactId contact,
                      const activecampaign::Call& call) {
  const auto field = workshop.reader.passwordField(client, call);
  if (!field) return field.error();
  auto echo = client.clearField(call, contact, *field);
  if (!echo) return echo.error();
  if (!*echo) {
    // The answer did not hold the field: look.
    const auto read = readWithPassword(workshop, client, {contact, std::nullopt}, call);
    if (!read) return read.error();
    if (read->snapshot) *echo = read->snapshot->password;
  }
  if (*echo && (*echo)->empty()) return Done{};
  return Error{Code::kUnavailable, "ActiveCampaign did not confirm that the field is empty"};
}

}  // namespace mbr::sync
