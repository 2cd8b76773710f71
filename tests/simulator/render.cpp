#include "render.h"

#include "web.h"

namespace acsim {

void putLinks(JsonOut& out, const std::string& base, const std::string& path,
              std::string_view names) {
  out.key("links").open();
  for (const std::string& name : split(names, ' ')) {
    out.put(name, base + "/api/3/" + path + "/" + name);
  }
  out.close();
}

void putTimestamps(JsonOut& out, Ms created, Ms updated) {
  out.put("created_timestamp", centralPlain(created));
  out.put("updated_timestamp", centralPlain(updated));
  out.putNull("created_by").putNull("updated_by");
}

void putStampOrNull(JsonOut& out, std::string_view name, Ms at) {
  if (at == 0) {
    out.putNull(name);
  } else {
    out.put(name, centralStamp(at));
  }
}

namespace {

constexpr const char* kContactLinks =
    "bounceLogs contactAutomations contactData contactGoals contactLists contactLogs contactTags "
    "contactDeals deals fieldValues geoIps notes organization plusAppend trackingLogs scoreValues "
    "accountContacts automationEntryCounts";

}  // namespace

void contactKeys(JsonOut& out, const Contact& c, const std::string& base, Ms timestamp) {
  out.put("cdate", centralStamp(c.created)).put("email", c.email).put("phone", c.phone);
  out.put("firstName", c.firstName).put("lastName", c.lastName);
  out.put("orgid", "0").put("orgname", "").put("segmentio_id", "");
  out.put("bounced_hard", "0").put("bounced_soft", "0").putNull("bounced_date");
  out.put("ip", "0").putNull("ua").put("hash", c.hash).putNull("socialdata_lastcheck");
  out.put("email_local", "").put("email_domain", "").put("sentcnt", "0");
  out.putNull("rating_tstamp").put("gravatar", "0").put("deleted", "0").put("anonymized", "0");
  out.putNull("adate").put("udate", centralStamp(c.updated)).putNull("edate");
  out.putNull("deleted_at");
  out.put("created_utc_timestamp", centralPlain(c.created));
  out.put("updated_utc_timestamp", centralPlain(timestamp));
  putTimestamps(out, c.created, timestamp);
  out.putBool("email_empty", false);
  putLinks(out, base, "contacts/" + std::to_string(c.id), kContactLinks);
  out.putId("id", c.id).putNull("organization");
}

void contactShortKeys(JsonOut& out, const Contact& c, const std::string& base) {
  out.put("email", c.email).put("phone", c.phone);
  out.put("firstName", c.firstName).put("lastName", c.lastName).putBool("email_empty", false);
  out.put("cdate", centralStamp(c.created)).put("udate", centralStamp(c.updated));
  out.put("orgid", "").put("orgname", "");
  putLinks(out, base, "contacts/" + std::to_string(c.id), kContactLinks);
  out.put("hash", c.hash).putId("id", c.id).put("organization", "");
}

void putContacts(JsonOut& out, const Contact& c, const std::string& base) {
  out.key("contacts").openArray().open();
  contactKeys(out, c, base, c.timestamp);
  out.close().closeArray();
}

void tagKeys(JsonOut& out, const Tag& tag, const std::string& base) {
  out.put("tagType", tag.type).put("tag", tag.name).put("description", tag.description);
  out.putId("subscriber_count", tag.contacts).put("cdate", centralStamp(tag.created));
  putTimestamps(out, tag.created, tag.created);
  putLinks(out, base, "tags/" + std::to_string(tag.id), "contactGoalTags");
  out.putId("id", tag.id);
}

void tagLinkKeys(JsonOut& out, Id contact, const TagLink& link, const std::string& base) {
  out.putId("contact", contact).putId("tag", link.tag).put("cdate", centralStamp(link.created));
  putTimestamps(out, link.created, link.created);
  putLinks(out, base, "contactTags/" + std::to_string(link.id), "tag contact");
  out.putId("id", link.id);
}

void fieldKeys(JsonOut& out, const Field& f, const std::string& base) {
  out.put("title", f.title).put("descript", f.description).put("type", f.type);
  out.put("isrequired", "0").put("perstag", f.perstag);
  if (f.standard.empty()) {
    out.putNull("defval");
  } else {
    out.put("defval", f.standard);
  }
  out.put("show_in_list", "0").put("rows", "0").put("cols", "0");
  out.put("visible", f.visible ? "1" : "0").put("service", "").putId("ordernum", f.order);
  out.put("cdate", centralStamp(f.created)).put("udate", centralStamp(f.created));
  putTimestamps(out, f.created, f.created);
  out.putEmpty("options");
  putIds(out, "relations", f.relations, [](const Relation& relation) { return relation.id; });
  putLinks(out, base, "fields/" + std::to_string(f.id), "options relations");
  out.putId("id", f.id);
}

void relationKeys(JsonOut& out, Id field, const Relation& relation) {
  out.putId("field", field).putId("relid", relation.list).put("dorder", "0");
  out.put("cdate", centralStamp(relation.created)).putEmpty("links").putId("id", relation.id);
}

void valueKeys(JsonOut& out, Id contact, Id field, const FieldValue& value,
               const std::string& base) {
  out.putId("contact", contact).putId("field", field).put("value", value.value);
  out.put("cdate", centralStamp(value.created)).put("udate", centralStamp(value.updated));
  out.putNull("created_by").putNull("updated_by");
  putLinks(out, base, "fieldValues/" + std::to_string(value.id), "owner field");
  out.putId("id", value.id).putId("owner", contact);
}

void listKeys(JsonOut& out, const List& list, const std::string& base) {
  out.put("stringid", lower(list.name)).put("userid", "1").put("name", list.name);
  out.put("private", "0").put("deletestamp", "").putNull("udate");
  putLinks(out, base, "lists/" + std::to_string(list.id), "contactGoalLists user addressLists");
  out.putId("id", list.id).put("user", "1");
}

void listLinkKeys(JsonOut& out, Id contact, const ListLink& link, const std::string& base) {
  out.putId("contact", contact).putId("list", link.list).putNull("form").put("seriesid", "0");
  out.put("sdate", centralStamp(link.since));
  putStampOrNull(out, "udate", link.updated);
  out.putId("status", link.status).put("responder", "1").put("sync", "0").put("unsubreason", "");
  out.putNull("campaign").putNull("message").put("first_name", "").put("last_name", "");
  out.put("ip4Sub", "0").put("sourceid", "3").putNull("autosyncLog").put("ip4_last", "0");
  out.put("ip4Unsub", "0");
  putTimestamps(out, link.since, link.updated == 0 ? link.since : link.updated);
  out.putNull("unsubscribeAutomation");
  putLinks(out, base, "contactLists/" + std::to_string(link.id), "automation list contact");
  out.putId("id", link.id).putNull("automation");
}

void automationKeys(JsonOut& out, const Automation& automation, const std::string& base) {
  out.put("name", automation.name).put("cdate", "2020-01-01T00:00:00-06:00");
  out.put("mdate", "2020-01-01T00:00:00-06:00").put("userid", "1");
  out.put("status", automation.active ? "1" : "2").putId("entered", automation.entered);
  out.put("exited", "0").put("hidden", "0");
  putLinks(out, base, "automations/" + std::to_string(automation.id), "blocks goals");
  out.putId("id", automation.id);
}

void entryKeys(JsonOut& out, Id contact, const Entry& entry, const std::string& base) {
  out.putId("contact", contact).putId("seriesid", entry.automation).put("startid", "0");
  out.put("status", "1").putNull("batchid").put("adddate", centralStamp(entry.since));
  out.putNull("remdate").putNull("timespan").put("lastblock", "4").put("lastlogid", "0");
  out.put("lastdate", centralStamp(entry.since)).put("completedElements", "1");
  out.put("totalElements", "2").put("completed", 0).put("completeValue", 50);
  putLinks(out, base, "contactAutomations/" + std::to_string(entry.id),
           "automation contact contactGoals");
  out.putId("id", entry.id).putId("automation", entry.automation);
}

}  // namespace acsim
