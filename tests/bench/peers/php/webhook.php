<?php
// The php-fpm peer: takes the same webhooks with PDO SQLite, as durably.
//
// nginx passes PEER_DATABASE and PEER_CODE. The connection is kept from request to request.

declare(strict_types=1);

function open_database(): PDO
{
    $database = new PDO('sqlite:' . $_SERVER['PEER_DATABASE'], null, null, [
        PDO::ATTR_PERSISTENT => true,
        PDO::ATTR_TIMEOUT => 30,
        PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION,
    ]);
    if (!$database->query('PRAGMA user_version')->fetchColumn()) {
        $database->exec('PRAGMA journal_mode = WAL');
        $database->exec('CREATE TABLE IF NOT EXISTS contact
            (id INTEGER PRIMARY KEY, email TEXT, doc TEXT NOT NULL)');
        $database->exec('CREATE INDEX IF NOT EXISTS contact_email ON contact (email)');
        $database->exec('CREATE TABLE IF NOT EXISTS delivery (id INTEGER PRIMARY KEY,
            received_at INTEGER NOT NULL, contact_id INTEGER, body TEXT NOT NULL)');
        $database->exec('PRAGMA user_version = 1');
    }
    $database->exec('PRAGMA synchronous = FULL');
    return $database;
}

function answer(int $status, string $text): never
{
    http_response_code($status);
    header('Content-Type: application/json');
    header('Content-Length: ' . strlen($text));
    exit($text);
}

function receive(PDO $database): never
{
    $contact = $_POST['contact'] ?? [];
    $id = filter_var($contact['id'] ?? '', FILTER_VALIDATE_INT, ['options' => ['min_range' => 1]]);
    if ($id === false) {
        answer(400, '{"status":"contact_missing"}');
    }
    $database->exec('BEGIN IMMEDIATE');
    $database->prepare('INSERT INTO contact (id, email, doc) VALUES (?, ?, ?)
        ON CONFLICT (id) DO UPDATE SET email = excluded.email, doc = excluded.doc')
        ->execute([$id, $contact['email'] ?? null, json_encode($contact)]);
    $database->prepare('INSERT INTO delivery (received_at, contact_id, body) VALUES (?, ?, ?)')
        ->execute([(int) (microtime(true) * 1000), $id, file_get_contents('php://input')]);
    $database->exec('COMMIT');
    answer(200, '{"status":"accepted"}');
}

if ($_SERVER['REQUEST_METHOD'] === 'POST') {
    $given = $_GET['mbr_genpass'] ?? '';
    if (!is_string($given) || !hash_equals($_SERVER['PEER_CODE'], $given)) {
        answer(403, '{"status":"refused"}');
    }
    receive(open_database());
}

$find = open_database()->prepare('SELECT doc FROM contact WHERE email = ?');
$find->execute([rawurldecode(basename($_SERVER['DOCUMENT_URI']))]);
$doc = $find->fetchColumn();
$doc === false ? answer(404, '{"status":"not found"}') : answer(200, $doc);
