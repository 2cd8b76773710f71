// The routes below /api/3, one function a resource.
#pragma once

#include "faults.h"
#include "json_in.h"
#include "ledger.h"
#include "web.h"

namespace acsim {

// One request with the account locked. `request.parts` begins after /api/3.
struct Call {
  Ledger& ledger;
  const Request& request;
  const Switches& switches;

  const std::string& base() const { return request.base; }
  const std::string& method() const { return request.method; }
  std::size_t depth() const { return request.parts.size(); }
  Id id() const { return depth() > 1 ? toId(request.parts[1]) : 0; }
  std::string sub() const { return depth() > 2 ? request.parts[2] : ""; }
  // The object under `key` of the body; null if the body has none.
  JsonObject body(const std::string& key) const { return child(parseObject(request.body), key); }
};

Answer answerApi(const Call& call);

Answer contactsRoute(const Call& call);
Answer syncRoute(const Call& call);
Answer tagsRoute(const Call& call);
Answer contactTagsRoute(const Call& call);
Answer fieldsRoute(const Call& call);
Answer fieldRelsRoute(const Call& call);
Answer fieldValuesRoute(const Call& call);
Answer automationsRoute(const Call& call);
Answer contactAutomationsRoute(const Call& call);
Answer listsRoute(const Call& call);
Answer contactListsRoute(const Call& call);
Answer webhooksRoute(const Call& call);
Answer webhookEventsRoute(const Call& call);
Answer importRoute(const Call& call);

// limit (never above 100) and offset of a list.
struct Page {
  std::size_t limit, offset;
};
Page pageOf(const Query& query, long limit = 20);

// Writes `"NAME":[...]` with the rows of the page and `"meta":{"total":"N"}`;
// `write(row)` fills one object.
template <class Row, class Write>
void putPage(JsonOut& out, std::string_view name, const std::vector<const Row*>& rows,
             const Page& page, Write write) {
  out.key(name).openArray();
  for (std::size_t i = page.offset; i < rows.size() && i < page.offset + page.limit; ++i) {
    out.open();
    write(*rows[i]);
    out.close();
  }
  out.closeArray().key("meta").open().put("total", std::to_string(rows.size())).close();
}

template <class Row>
std::vector<const Row*> pointers(const std::map<Id, Row>& rows) {
  std::vector<const Row*> found;
  for (const auto& [id, row] : rows) found.push_back(&row);
  return found;
}

}  // namespace acsim
