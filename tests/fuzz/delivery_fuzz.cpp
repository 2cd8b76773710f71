// Whatever a webhook call's query (the first line) and body (the rest) are, they are refused or
// become a delivery that holds what a delivery may hold, and never a hidden field.
// sources: webhook/delivery_parser.cpp webhook/caller_query.cpp http/form.cpp base/encoding.cpp
// sources: base/secret.cpp base/time_format.cpp base/utf8.cpp domain/email.cpp domain/ids.cpp
// links: -lsodium
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/utf8.h"
#include "http/form.h"
#include "webhook/caller_query.h"
#include "webhook/delivery_parser.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

const mbr::Instant kReceivedAt{std::chrono::seconds{1784300000}};

bool isHidden(std::string_view key) { return key == "password" || key == "39"; }

void checkQuery(std::string_view query) {
  const auto code = mbr::webhook::securityCode(query, "mbr_genpass");
  const std::string rest = mbr::webhook::withoutParameter(query, "mbr_genpass");
  require(rest.size() <= query.size());
  require(!mbr::webhook::securityCode(rest, "mbr_genpass"));
  require(!code || code->size() <= query.size());
  require(mbr::webhook::withoutParameter(rest, "mbr_genpass") == rest);
  const auto followUp = mbr::webhook::genpassFollowUp(query);
  if (!followUp) {
    require(followUp.error().code == mbr::Code::kInvalid && !followUp.error().detail.empty());
    return;
  }
  require(followUp->password);
  for (const auto id : followUp->tags) require(id > 0);
  for (const auto id : followUp->automations) require(id > 0);
  if (const auto& password = followUp->defaultPassword) {
    require(!password->empty() && password->size() <= 4 * 64);
    require(mbr::isValidUtf8(password->reveal()) && !mbr::hasControlCharacter(password->reveal()));
  }
}

void checkDelivery(const mbr::Delivery& delivery) {
  require(delivery.contactId || delivery.email);
  require(!delivery.contactId || *delivery.contactId > 0);
  require(!delivery.list || *delivery.list > 0);
  require(delivery.eventType.size() <= 64);
  require((delivery.dialect == mbr::Delivery::Dialect::kEvent) == !delivery.eventType.empty());
  require(!delivery.happenedAt || *delivery.happenedAt <= kReceivedAt + std::chrono::minutes{5});
  require(!delivery.changedTag || delivery.eventType.find("contact_tag_") == 0);
  require(delivery.followUp.empty());
  for (const auto& [key, value] : delivery.fields) {
    require(!key.empty() && !isHidden(key));
    require(key.find_first_of("[]") == std::string::npos && mbr::isValidUtf8(value));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto line = std::min(input.find('\n'), input.size());
  checkQuery(input.substr(0, line));
  const auto form = mbr::http::parseForm(input.substr(std::min(line + 1, input.size())));
  if (!form) return 0;
  const auto delivery = mbr::webhook::parseDelivery(*form, kReceivedAt, isHidden);
  if (delivery) {
    checkDelivery(*delivery);
  } else {
    using mbr::Code;
    const Code code = delivery.error().code;
    require(code == Code::kInvalid || code == Code::kNotFound);
    require(!delivery.error().detail.empty());
  }
  return 0;
}
