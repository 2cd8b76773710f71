#include <algorithm>

#include "activecampaign/client.h"
#include "activecampaign/replies.h"

// The account's webhooks, call by call.
namespace mbr::activecampaign {
namespace {

std::string arrayOf(const std::vector<std::string>& texts) {
  return json::write(json::Array(texts.begin(), texts.end()));
}

std::string webhookBody(const Webhook& webhook) {
  std::string body;
  body.reserve(kLongestEscape * (webhook.name.size() + webhook.url.size()) + 4096);
  body += R"({"webhook":{"name":)";
  json::appendString(body, webhook.name);
  body += R"(,"url":)";
  json::appendString(body, webhook.url.reveal());
  body += ',';
  body += R"("events":)" + arrayOf(webhook.events) + R"(,"sources":)" + arrayOf(webhook.sources);
  body += R"(,"listid":)" + std::to_string(webhook.list) + "}}";
  return body;
}

// The URL and what an error may quote of it: its query and the values in there.
std::vector<std::string> partsOf(const Secret& url) {
  std::vector<std::string> parts{url.reveal()};
  const auto query = url.reveal().find('?');
  if (query == std::string::npos) return parts;
  parts.push_back(url.reveal().substr(query + 1));
  const std::string all = parts.back();
  for (std::size_t at = 0; at < all.size();) {
    const std::size_t end = std::min(all.find('&', at), all.size());
    const std::size_t equals = all.find('=', at);
    if (equals < end) parts.push_back(all.substr(equals + 1, end - equals - 1));
    at = end + 1;
  }
  return parts;
}

}  // namespace

Result<std::vector<Webhook>> Client::listWebhooks(const Call& call) {
  const auto rows = listRows(call, "webhooks", "webhooks");
  if (!rows) return rows.error();
  std::vector<Webhook> webhooks;
  for (const json::Value& row : *rows) {
    auto webhook = readWebhook(row);
    if (!webhook) return unreadable("webhooks cannot be read");
    webhooks.push_back(std::move(*webhook));
  }
  return webhooks;
}

Result<Reply> Client::sendWebhook(const Call& call, Request request, const Webhook& webhook) {
  request.body = webhookBody(webhook);
  request.ours = partsOf(webhook.url);
  Result<Reply> reply = exchange_.ask(call, request);
  wipe(request.body);
  for (std::string& each : request.ours) wipe(each);
  return reply;
}

Result<std::int64_t> Client::createWebhook(const Call& call, const Webhook& webhook) {
  const Result<Reply> reply = sendWebhook(call, Request{"POST", "webhooks"}, webhook);
  if (!reply) return reply.error();
  const auto id = readId(reply->body["webhook"]["id"]);
  if (!id) return unreadable("the new webhook has no id");
  return *id;
}

Outcome Client::updateWebhook(const Call& call, const Webhook& webhook) {
  Request request{"PUT", "webhooks/" + std::to_string(webhook.id)};
  request.repeatable = true;
  const Result<Reply> reply = sendWebhook(call, std::move(request), webhook);
  if (!reply) return reply.error();
  if (readId(reply->body["webhook"]["id"]) != webhook.id) {
    return unreadable("the answer holds no such webhook");
  }
  return Done{};
}

Outcome Client::deleteWebhook(const Call& call, std::int64_t id) {
  return remove(call, "webhooks/" + std::to_string(id));
}

}  // namespace mbr::activecampaign
