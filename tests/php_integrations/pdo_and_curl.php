<?php
// Uses PDO with SQLite, and curl, as a program does that imports the integrations. Prints what the called service got.
namespace Shop;

use Spanwire\Integrations\PDO;
use function Spanwire\Integrations\{curl_copy_handle, curl_exec, curl_init, curl_reset, curl_setopt, curl_setopt_array};
use function Spanwire\Integrations\{curl_multi_add_handle, curl_multi_info_read, curl_multi_remove_handle};

$db = new PDO('sqlite::memory:');
$db->exec('CREATE TABLE cart (id INTEGER, name TEXT)');
$db->exec("INSERT INTO cart VALUES (1, 'secret'), (2, 'it''s secret')");
$found = $db->query("SELECT id FROM cart WHERE name = 'secret' -- secret", PDO::FETCH_NUM)->fetchAll();
$prepared = $db->prepare('SELECT name FROM "cart" WHERE id = :id');
$prepared->execute(['id' => 2]);
if ([$found, $prepared->fetchColumn()] !== [[[1]], "it's secret"]) exit('PDO returns something else');
try {
    $db->exec('SELEC 1');
} catch (\PDOException) {
}
$db->setAttribute(PDO::ATTR_ERRMODE, PDO::ERRMODE_SILENT);
if ($db->prepare('SELEC 1') !== false || $db->exec('SELEC 2') !== false) exit('errors are not returned');
$db->beginTransaction();
$db->commit();

$url = 'http://user:secret@' . $_SERVER['CALLED'];
$mine = ['X-Mine: 1', 'Traceparent: old'];
$got = function (string|bool $body, string $call) use (&$all): void { $all[$call] = json_decode((string) $body, true); };
$handle = curl_init("$url/users/42?api_key=secret");
curl_setopt_array($handle, [CURLOPT_RETURNTRANSFER => true, CURLOPT_HTTPHEADER => $mine]);
$got(curl_exec($handle), 'first');
curl_setopt($handle, CURLOPT_POSTFIELDS, 'x');
$got(curl_exec($handle), 'again');
$copy = curl_copy_handle($handle);
curl_setopt($copy, CURLOPT_URL, 'http://127.0.0.1:1/');
if (curl_exec($copy) !== false) exit('nothing listens there');
$multi = \curl_multi_init();
curl_multi_add_handle($multi, $handle);
do {
    \curl_multi_exec($multi, $running);
    if ($running > 0) \curl_multi_select($multi);
} while ($running > 0);
while (curl_multi_info_read($multi) !== false);
curl_multi_remove_handle($multi, $handle);
$got(\curl_multi_getcontent($handle), 'multi');
// Headers of a span do not stay on the handle.
\curl_setopt($handle, CURLOPT_HTTPGET, true);
$got(\curl_exec($handle), 'untraced');
curl_reset($handle);
curl_setopt_array($handle, [CURLOPT_RETURNTRANSFER => true, CURLOPT_URL => "$url/missing"]);
$got(curl_exec($handle), 'missing');
$foreign = \curl_init("$url/foreign");
\curl_setopt_array($foreign, [CURLOPT_RETURNTRANSFER => true, CURLOPT_HTTPHEADER => $mine]);
$got(curl_exec($foreign), 'foreign');
echo json_encode($all);
