#include "api.h"

#include <algorithm>
#include <functional>
#include <map>

#include "json_out.h"

namespace acsim {
namespace {

Answer usersRoute(const Call& call) {
  if (call.method() != "GET") return notAllowed();
  if (call.depth() != 2 || call.request.parts[1] != "me") return noResult("User", call.id());
  JsonOut out;
  out.open().key("user").open().put("username", "admin").put("firstName", "Sim");
  out.put("lastName", "Admin").put("email", "admin@example.com").put("phone", "");
  out.put("signature", "").put("localZoneid", "Europe/Berlin");
  out.put("password_updated_utc_timestamp", "2020-01-01 00:00:00").putNull("cdate");
  out.putNull("udate").put("mfaEnabled", "0").key("links").open().close().put("id", "1");
  return json(200, out.close().close().take());
}

Answer accountsRoute(const Call& call) {
  if (call.method() != "GET") return notAllowed();
  return json(200, R"({"accounts":[],"meta":{"total":"0"}})");
}

const std::map<std::string, std::function<Answer(const Call&)>>& routes() {
  static const std::map<std::string, std::function<Answer(const Call&)>> all{
      {"accounts", accountsRoute},
      {"automations", automationsRoute},
      {"contact", syncRoute},
      {"contactAutomations", contactAutomationsRoute},
      {"contactLists", contactListsRoute},
      {"contactTags", contactTagsRoute},
      {"contacts", contactsRoute},
      {"fieldRels", fieldRelsRoute},
      {"fieldValues", fieldValuesRoute},
      {"fields", fieldsRoute},
      {"import", importRoute},
      {"lists", listsRoute},
      {"tags", tagsRoute},
      {"users", usersRoute},
      {"webhook", webhookEventsRoute},
      {"webhooks", webhooksRoute}};
  return all;
}

}  // namespace

Answer answerApi(const Call& call) {
  const std::vector<std::string>& parts = call.request.parts;
  const auto route = parts.empty() ? routes().end() : routes().find(parts[0]);
  return route == routes().end() ? notFound() : route->second(call);
}

Page pageOf(const Query& query, long limit) {
  const long wanted = query.number("limit", limit);
  const long offset = query.number("offset", 0);
  return {static_cast<std::size_t>(wanted <= 0 ? limit : std::min(wanted, 100L)),
          static_cast<std::size_t>(std::max(offset, 0L))};
}

}  // namespace acsim
