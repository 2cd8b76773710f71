#include "api.h"
#include "render.h"

namespace acsim {
namespace {

Answer listTags(const Call& call) {
  const Query& query = call.request.query;
  const std::string wanted = lower(query.get("search", query.get("filters[search][contains]")));
  const auto exact = query.find("filters[search][eq]");
  std::vector<const Tag*> rows;
  for (const auto& [id, tag] : call.ledger.tags) {
    if (!wanted.empty() && lower(tag.name).find(wanted) == std::string::npos) continue;
    if (exact && lower(tag.name) != lower(*exact)) continue;
    rows.push_back(&tag);
  }
  JsonOut out;
  out.open();
  putPage(out, "tags", rows, pageOf(query),
          [&](const Tag& tag) { tagKeys(out, tag, call.base()); });
  return json(200, out.close().take());
}

Answer postTag(const Call& call) {
  const JsonObject body = call.body("tag");
  const std::string name = text(body, "tag");
  if (name.empty()) {
    return errors(422, {"Missing attribute", "", "", "", "/data/attributes/tag", 422});
  }
  if (call.ledger.tagByName(name) != nullptr) {
    return errors(
        422, {"Tag already exists in the system", "", "duplicate", "", "/data/attributes/tag"});
  }
  Tag& tag = call.ledger.tagNamed(name);
  tag.type = text(body, "tagType", "contact");
  tag.description = text(body, "description");
  JsonOut out;
  out.open().key("tag").open().put("tag", tag.name).put("description", tag.description);
  out.put("tagType", tag.type).put("cdate", centralStamp(tag.created));
  putLinks(out, call.base(), "tags/" + std::to_string(tag.id), "contactGoalTags");
  return json(201, out.putId("id", tag.id).close().close().take());
}

Answer listTagLinks(const Call& call) {
  struct Row {
    Id contact;
    const TagLink* link;
  };
  std::vector<Row> all;
  for (const auto& [id, contact] : call.ledger.contacts) {
    for (const TagLink& link : contact.tags) all.push_back({id, &link});
  }
  std::vector<const Row*> rows;
  for (const Row& row : all) rows.push_back(&row);
  JsonOut out;
  out.open();
  putPage(out, "contactTags", rows, pageOf(call.request.query),
          [&](const Row& row) { tagLinkKeys(out, row.contact, *row.link, call.base()); });
  return json(200, out.close().take());
}

Answer postTagLink(const Call& call) {
  const JsonObject body = call.body("contactTag");
  if (!has(body, "contact")) {
    return errors(422, {"Missing attribute", "", "", "", "/data/attributes/contact", 422});
  }
  if (!has(body, "tag")) {
    return json(400, R"({"errors":[{"title":"Invalid value for query parameter contactTag.tag",)"
                     R"("detail":"No tag id provided","source":{"parameter":"contactTag.tag"}}]})");
  }
  Contact* contact = call.ledger.contact(toId(text(body, "contact")));
  if (contact == nullptr) {
    return errors(404, {"Not Found", "Contact not found", "", "", "", 404});
  }
  const Id tag = toId(text(body, "tag"));
  if (call.ledger.tags.count(tag) == 0) return noResult("Tag", tag);
  bool added = false;
  const TagLink link = call.ledger.addTag(*contact, tag, "api", &added);
  if (added) {
    call.ledger.announce("contact_tag_added", *contact, "api", call.ledger.tags[tag].name);
  }
  JsonOut out;
  out.open();
  putContacts(out, *contact, call.base());
  out.key("contactTag").open();
  putEcho(out, "contact", body, "contact");
  putEcho(out, "tag", body, "tag");
  out.put("cdate", centralStamp(link.created));
  putLinks(out, call.base(), "contactTags/" + std::to_string(link.id), "tag contact");
  return json(added ? 201 : 200, out.putId("id", link.id).close().close().take());
}

Answer deleteTagLink(const Call& call) {
  const auto owner = call.ledger.tagLinkOwner.find(call.id());
  Contact* contact =
      owner == call.ledger.tagLinkOwner.end() ? nullptr : call.ledger.contact(owner->second);
  if (contact == nullptr) return noResult("SubscriberTag", call.id());
  std::string name;
  for (const TagLink& link : contact->tags) {
    if (link.id == call.id()) name = call.ledger.tags[link.tag].name;
  }
  call.ledger.removeTagLink(*contact, call.id(), "api");
  call.ledger.announce("contact_tag_removed", *contact, "api", name);
  return json(200, "{}");
}

}  // namespace

Answer tagsRoute(const Call& call) {
  if (call.depth() == 1 && call.method() == "GET") return listTags(call);
  if (call.depth() == 1 && call.method() == "POST") return postTag(call);
  if (call.depth() == 1) return notAllowed();
  const auto tag = call.ledger.tags.find(call.id());
  if (tag == call.ledger.tags.end()) return noResult("Tag", call.id());
  if (call.method() != "GET") return notAllowed();
  JsonOut out;
  out.open().key("tag").open();
  tagKeys(out, tag->second, call.base());
  return json(200, out.close().close().take());
}

Answer contactTagsRoute(const Call& call) {
  if (call.depth() == 1 && call.method() == "GET") return listTagLinks(call);
  if (call.depth() == 1 && call.method() == "POST") return postTagLink(call);
  if (call.method() == "DELETE") return deleteTagLink(call);
  return notAllowed();
}

}  // namespace acsim
