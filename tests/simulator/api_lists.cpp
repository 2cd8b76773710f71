#include <algorithm>

#include "api.h"
#include "render.h"

namespace acsim {
namespace {

void relatedMissing(JsonOut& out, const std::string& what) {
  out.open().put("title", "The related " + what + " does not exist.").put("detail", "");
  out.put("code", "related_missing").put("error", what + "_not_exist");
  out.key("source").open().put("pointer", "/data/attributes/" + what).close().close();
}

Answer postListLink(const Call& call) {
  const JsonObject body = call.body("contactList");
  Contact* contact = call.ledger.contact(toId(text(body, "contact")));
  const Id list = toId(text(body, "list"));
  JsonOut out;
  if (contact == nullptr || call.ledger.lists.count(list) == 0) {
    out.open().key("errors").openArray();
    if (call.ledger.lists.count(list) == 0) relatedMissing(out, "list");
    if (contact == nullptr) relatedMissing(out, "contact");
    return json(400, out.closeArray().close().take());
  }
  int status = static_cast<int>(integer(body, "status", 1));
  const auto known = std::find_if(contact->lists.begin(), contact->lists.end(),
                                  [&](const ListLink& link) { return link.list == list; });
  // Who unsubscribed stays so unless the source says that he asked for it.
  if (known != contact->lists.end() && known->status == 2 && status == 1 &&
      integer(body, "sourceid") != 4) {
    status = 2;
  }
  const ListLink link = call.ledger.setList(*contact, list, status);
  call.ledger.announce(status == 2 ? "unsubscribe" : "subscribe", *contact, "api", "", list);
  out.open();
  putContacts(out, *contact, call.base());
  out.key("contactList").open().put("status", status);
  putEcho(out, "list", body, "list");
  putEcho(out, "contact", body, "contact");
  out.put("sdate", centralStamp(link.since));
  putStampOrNull(out, "udate", link.updated);
  putLinks(out, call.base(), "contactLists/" + std::to_string(link.id), "automation list contact");
  return json(201, out.putId("id", link.id).close().close().take());
}

Answer listListLinks(const Call& call) {
  struct Row {
    Id contact;
    const ListLink* link;
  };
  std::vector<Row> all;
  for (const auto& [id, contact] : call.ledger.contacts) {
    for (const ListLink& link : contact.lists) all.push_back({id, &link});
  }
  std::vector<const Row*> rows;
  for (const Row& row : all) rows.push_back(&row);
  JsonOut out;
  out.open();
  putPage(out, "contactLists", rows, pageOf(call.request.query),
          [&](const Row& row) { listLinkKeys(out, row.contact, *row.link, call.base()); });
  return json(200, out.close().take());
}

}  // namespace

Answer listsRoute(const Call& call) {
  if (call.method() != "GET") return notAllowed();
  JsonOut out;
  out.open();
  if (call.depth() == 1) {
    putPage(out, "lists", pointers(call.ledger.lists), pageOf(call.request.query),
            [&](const List& row) { listKeys(out, row, call.base()); });
    return json(200, out.close().take());
  }
  const auto list = call.ledger.lists.find(call.id());
  if (list == call.ledger.lists.end()) return noResult("List", call.id());
  out.key("list").open();
  listKeys(out, list->second, call.base());
  return json(200, out.close().close().take());
}

Answer contactListsRoute(const Call& call) {
  if (call.depth() != 1) return notFound();
  if (call.method() == "GET") return listListLinks(call);
  return call.method() == "POST" ? postListLink(call) : notAllowed();
}

}  // namespace acsim
