-- From which addresses do you get in, and from which not?
SELECT
  s.ip_address,
  MAX(s.country) AS country,
  MAX(s.asn) AS asn,
  COUNT(*) AS sign_ins,
  SUM(CASE WHEN s.verdict = 'succeeded' THEN 1 ELSE 0 END) AS succeeded,
  SUM(CASE WHEN s.verdict = 'blocked' THEN 1 ELSE 0 END) AS blocked,
  SUM(CASE WHEN s.flagged THEN 1 ELSE 0 END) AS refused,
  COUNT(DISTINCT s.account) AS accounts,
  COUNT(DISTINCT s.child_tenant_id) AS customers,
  COUNT(DISTINCT CASE WHEN s.flagged THEN s.child_tenant_id END) AS customers_refusing
FROM sign_ins AS s
LEFT JOIN tenants AS t ON t.child_tenant_id = s.child_tenant_id
WHERE (s.side = 'inbound' OR s.side = 'outbound' AND NOT t.has_inbound)
GROUP BY s.ip_address
ORDER BY refused DESC, sign_ins DESC, s.ip_address NULLS LAST
