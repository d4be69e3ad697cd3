<?php
// Uses mysqli with objects and with functions, as a program does that imports the integration.
namespace Shop;

use Spanwire\Integrations\mysqli;
use function Spanwire\Integrations\{mysqli_connect, mysqli_prepare, mysqli_query, mysqli_stmt_execute};

$at = ['localhost', 'root', '', 'mysql', null, $argv[1]];
$db = new mysqli(...$at);
$results[] = $db->query("SELECT 'secret' AS a, \"it\\\"s secret\" AS b")->fetch_row();
$prepared = $db->prepare('SELECT ? + 40');
$number = 2;
$prepared->bind_param('i', $number);
$prepared->execute();
$results[] = $prepared->get_result()->fetch_row();
$results[] = $db->execute_query('SELECT ?', ['x'])->fetch_row();
$db->multi_query('SELECT 1; SELECT 2');
do {
    $results[] = $db->store_result()->fetch_row();
} while ($db->next_result());
foreach ([fn () => $db->prepare('SELEC 1'), fn () => $db->query('SELEC 2')] as $fails) {
    try {
        $fails();
        exit('no exception');
    } catch (\mysqli_sql_exception $e) {
        $results[] = $e->getCode();
    }
}
$link = mysqli_connect(...$at);
mysqli_query($link, 'CREATE DATABASE IF NOT EXISTS other');
mysqli_query($link, 'USE other');
$link->select_db('other');
$prepared = mysqli_prepare($link, 'SELECT 6');
mysqli_stmt_execute($prepared);
$results[] = $prepared->get_result()->fetch_row();
mysqli_query(\mysqli_connect(...$at), 'SELECT 7');
\mysqli_report(MYSQLI_REPORT_OFF);
$results[] = [$db->query('SELEC 3'), $db->prepare('SELEC 4'), @mysqli_connect('localhost', 'root', '', 'x', null, '/nowhere/s')];
$empty = new mysqli();
$empty->real_connect(...$at);
$results[] = $empty->query('SELECT 8')->fetch_row();
echo json_encode($results);
