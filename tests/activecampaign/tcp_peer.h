// The other side of a connection, as rude as a test wants it.
#pragma once

#include <Poco/Net/ServerSocket.h>
#include <Poco/Net/StreamSocket.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace mbr::test {

class TcpPeer {
 public:
  // One accepted connection; closed when the handler returns.
  class Connection {
   public:
    explicit Connection(TcpPeer& peer, Poco::Net::StreamSocket socket)
        : peer_(peer), socket_(std::move(socket)) {}

    // The next request, head and body; "" if the other side closed.
    std::string readRequest();
    void write(const std::string& text);
    // Reads what is there once something is.
    void swallow();
    // A byte every 20 ms, until the other side is gone or the peer ends.
    void drip(const std::string& text);
    // Closes by RST instead of FIN.
    void reset();
    // Until the other side closes or the peer ends.
    void hold();

   private:
    TcpPeer& peer_;
    Poco::Net::StreamSocket socket_;
    std::string rest_;
  };
  // Runs on a thread of its own for each connection. `number` counts from 1.
  using Handler = std::function<void(Connection&, int number)>;

  // Listens on 127.0.0.1. `listener` may be a SecureServerSocket.
  explicit TcpPeer(Handler handler, Poco::Net::ServerSocket listener = Poco::Net::ServerSocket(
                                        Poco::Net::SocketAddress("127.0.0.1", 0)));
  ~TcpPeer();
  TcpPeer(const TcpPeer&) = delete;
  TcpPeer& operator=(const TcpPeer&) = delete;

  std::uint16_t port() const { return port_; }
  int connections() const { return connections_; }
  std::vector<std::string> requests() const;

 private:
  void accept();

  Handler handler_;
  Poco::Net::ServerSocket listener_;
  std::uint16_t port_;
  std::atomic<bool> ending_{false};
  std::atomic<int> connections_{0};
  mutable std::mutex mutex_;
  std::vector<std::string> requests_;  // guarded by mutex_
  std::vector<std::thread> handlers_;  // the accepting thread's, then the destructor's
  std::thread acceptor_;
};

// An answer with its length.
std::string httpAnswer(int status, const std::string& body, const std::string& headers = "");

}  // namespace mbr::test
