#include "activecampaign/tcp_peer.h"

#include <Poco/Exception.h>
#include <Poco/Net/NetException.h>

#include <memory>
#include <utility>

namespace mbr::test {
namespace {

const Poco::Timespan kGlance(20 * 1000);

std::size_t bodyLength(const std::string& head) {
  const auto at = head.find("Content-Length: ");
  return at == std::string::npos ? 0 : std::stoul(head.substr(at + 16));
}

}  // namespace

std::string TcpPeer::Connection::readRequest() {
  for (;;) {
    const auto end = rest_.find("\r\n\r\n");
    if (end != std::string::npos) {
      const std::size_t size = end + 4 + bodyLength(rest_.substr(0, end));
      if (rest_.size() >= size) {
        const std::string request = rest_.substr(0, size);
        rest_.erase(0, size);
        const std::lock_guard lock(peer_.mutex_);
        peer_.requests_.push_back(request);
        return request;
      }
    }
    try {
      while (!socket_.poll(kGlance, Poco::Net::Socket::SELECT_READ)) {
        if (peer_.ending_) return "";
      }
      char buffer[4096];
      const int got = socket_.receiveBytes(buffer, sizeof buffer);
      if (got <= 0) return "";
      rest_.append(buffer, static_cast<std::size_t>(got));
    } catch (const Poco::Exception&) {
      return "";
    }
  }
}

void TcpPeer::Connection::swallow() {
  char buffer[4096];
  while (!socket_.poll(kGlance, Poco::Net::Socket::SELECT_READ)) {
    if (peer_.ending_) return;
  }
  socket_.receiveBytes(buffer, sizeof buffer);
}

void TcpPeer::Connection::write(const std::string& text) {
  try {
    std::size_t sent = 0;
    while (sent < text.size()) {
      const int now = socket_.sendBytes(text.data() + sent, static_cast<int>(text.size() - sent));
      if (now <= 0) return;
      sent += static_cast<std::size_t>(now);
    }
  } catch (const Poco::Exception&) {
    // The other side had enough.
  }
}

void TcpPeer::Connection::drip(const std::string& text) {
  try {
    for (const char c : text) {
      if (peer_.ending_ || socket_.poll(kGlance, Poco::Net::Socket::SELECT_READ)) return;
      socket_.sendBytes(&c, 1);
    }
  } catch (const Poco::Exception&) {
    // As in write().
  }
}

void TcpPeer::Connection::reset() {
  socket_.setLinger(true, 0);
  socket_.close();
}

void TcpPeer::Connection::hold() {
  while (!readRequest().empty()) {
  }
}

TcpPeer::TcpPeer(Handler handler, Poco::Net::ServerSocket listener)
    : handler_(std::move(handler)),
      listener_(std::move(listener)),
      port_(listener_.address().port()),
      acceptor_([this] { accept(); }) {}

TcpPeer::~TcpPeer() {
  ending_ = true;
  acceptor_.join();
  for (std::thread& handler : handlers_) handler.join();
}

void TcpPeer::accept() {
  while (!ending_) {
    try {
      if (!listener_.poll(kGlance, Poco::Net::Socket::SELECT_READ)) continue;
      auto socket = std::make_unique<Poco::Net::StreamSocket>(listener_.acceptConnection());
      const int number = ++connections_;
      handlers_.emplace_back([this, socket = std::move(socket), number]() mutable {
        try {
          Connection connection(*this, *std::exchange(socket, nullptr));
          handler_(connection, number);
        } catch (const Poco::Exception&) {
          // A handshake that the other side refused.
        }
      });
    } catch (const Poco::Exception&) {
      // Likewise.
    }
  }
}

std::vector<std::string> TcpPeer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

std::string httpAnswer(int status, const std::string& body, const std::string& headers) {
  return "HTTP/1.1 " + std::to_string(status) + " Word\r\nContent-Type: application/json\r\n" +
         headers + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace mbr::test
