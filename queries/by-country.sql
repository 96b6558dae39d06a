-- From which countries do you get in, and from which not?
SELECT
  s.country,
  COUNT(*) AS sign_ins,
  SUM(CASE WHEN s.verdict = 'succeeded' THEN 1 ELSE 0 END) AS succeeded,
  SUM(CASE WHEN s.verdict = 'blocked' THEN 1 ELSE 0 END) AS blocked,
  SUM(CASE WHEN s.flagged THEN 1 ELSE 0 END) AS refused,
  COUNT(DISTINCT s.account) AS accounts,
  COUNT(DISTINCT s.ip_address) AS addresses,
  COUNT(DISTINCT s.child_tenant_id) AS customers
FROM sign_ins AS s
LEFT JOIN tenants AS t ON t.child_tenant_id = s.child_tenant_id
WHERE (s.side = 'inbound' OR s.side = 'outbound' AND NOT t.has_inbound)
GROUP BY s.country
ORDER BY sign_ins DESC, s.country NULLS LAST
