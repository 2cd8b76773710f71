#include "webhook_body.h"

#include "web.h"

namespace acsim {
namespace {

class Form {
 public:
  Form& put(const std::string& name, const std::string& value) {
    if (!text_.empty()) text_ += '&';
    text_ += urlEncode(name) + '=' + urlEncode(value);
    return *this;
  }
  Form& contact(const std::string& key, const std::string& value) {
    return put("contact[" + key + "]", value);
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

std::string tagNames(const Ledger& ledger, const Contact& contact) {
  std::string names;
  for (const TagLink& link : contact.tags) {
    const auto tag = ledger.tags.find(link.tag);
    if (tag != ledger.tags.end()) names += (names.empty() ? "" : ", ") + tag->second.name;
  }
  return names;
}

void putPerson(Form& form, const Contact& contact) {
  form.contact("id", std::to_string(contact.id))
      .contact("email", contact.email)
      .contact("first_name", contact.firstName)
      .contact("last_name", contact.lastName)
      .contact("phone", contact.phone);
}

}  // namespace

std::string eventBody(const Ledger& ledger, const Contact& contact, const Event& event) {
  Form form;
  form.put("type", event.type)
      .put("date_time", centralStamp(ledger.now))
      .put("initiated_from", event.source)
      .put("initiated_by", event.source)
      .put("list", std::to_string(event.list));
  if (!event.tag.empty()) form.put("tag", event.tag);
  putPerson(form, contact);
  form.contact("ip", "0.0.0.0")
      .contact("tags", tagNames(ledger, contact))
      .contact("customer_acct_name", "")
      .contact("orgname", "");
  for (const auto& [field, value] : contact.fields) {
    form.contact("fields][" + std::to_string(field), value.value);
  }
  form.put("customer_acct_name", "").put("customer_acct_id", "0").put("orgname", "");
  return form.take();
}

std::string automationBody(const Ledger& ledger, const Contact& contact,
                           const std::string& seriesid) {
  Form form;
  putPerson(form, contact);
  form.contact("orgname", "").contact("customer_acct_name", "");
  const std::string tags = tagNames(ledger, contact);
  if (!tags.empty()) form.contact("tags", tags);
  form.contact("ip4", "0.0.0.0");
  for (const auto& [id, value] : contact.fields) {
    const auto field = ledger.fields.find(id);
    if (field != ledger.fields.end()) {
      form.contact("fields][" + lower(field->second.perstag), value.value);
    }
  }
  return form.put("seriesid", seriesid).take();
}

}  // namespace acsim
