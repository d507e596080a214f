// The words of the dashboard, beside those that all pages share (words.js), in both languages under the same keys.

const zh = {
  "page.dashboard": "总部看板", "crumbs": "所在位置",
  "age.live": "实时", "age.late": "{span}前的数据", "age.as-of": "数据时间 {time}", "age.lost": "数据停在 {span}前", "age.lost-why": "线路中断，正在重连", "age.never": "连不上中心", "age.never-why": "正在重试", "age.connecting": "连接中…", "age.not-kept": "线路中断，此处没有保留的数据",
  "age.cut": "线路中断", "age.was-cut": "与中心的线路中断，正在重连；页面保留最后的数据", "age.is-back": "线路已恢复，数据为实时",
  "overall.green": "全部正常", "overall.yellow": "需要关注", "overall.red": "有故障", "overall.unknown": "暂无数据", "overall.none": "还没有地区接入", "overall.all": "{count} 个地区均正常", "overall.was": "断线前：{why}", "overall.more": "{why}；另有 {count} 个地区",
  "level.green": "正常", "level.yellow": "注意", "level.red": "故障", "level.unknown": "未知",

  "figure.orders": "今日订单", "figure.revenue": "今日营业额", "figure.open": "未完成订单", "figure.wait": "平均等待", "figure.rejected": "拒单",
  "figure.minute": "本分钟 {value}", "figure.paid": "已支付 {value} 单", "figure.open-note": "待接单 {paid} · 制作中 {accepted} · 待取 {ready}", "figure.wait-note": "支付到出餐，今日平均", "figure.rejected-note": "占已支付 {share} · 取消 {cancelled}", "figure.stores": "{count} 家门店",

  "tools.window": "时间范围", "tools.compare": "对比", "tools.metric": "指标", "tools.table": "表格",
  "window.1h": "1 小时", "window.1d": "24 小时", "window.7d": "7 天", "compare.day": "昨日", "compare.week": "上周", "compare.none": "无",
  "metric.orders": "订单", "metric.paid": "支付", "metric.rejected": "拒单", "metric.wait": "等待", "metric.revenue": "营业额", "metric.mean": "{per}平均",
  "per.1h": "每分钟", "per.1d": "每 5 分钟", "per.7d": "每小时", "within.1h": "近 1 小时", "within.1d": "近 24 小时", "within.7d": "近 7 天", "before.day": "昨日", "before.week": "上周",
  "curve.currencies": "各地区币种不同，请进入地区查看", "curve.change": "比{before} {change}", "chart.steps": "{title}：用方向键逐点查看", "chart.running": "进行中", "chart.time": "时间",
  "span.seconds": "{seconds} 秒", "span.minutes": "{minutes} 分 {seconds} 秒", "span.hours": "{hours} 小时 {minutes} 分", "span.days": "{days} 天 {hours} 小时", "span.short": "{minutes} 分",

  "funnel.title": "今日漏斗", "funnel.placed": "下单", "funnel.paid": "支付", "funnel.accepted": "接单", "funnel.collected": "取餐", "funnel.of-placed": "全部", "funnel.of-before": "上一步的 {share}", "funnel.lost": "途中取消 {cancelled} · 拒单 {rejected}；其余仍在进行",

  "regions.title": "地区", "regions.none": "还没有地区接入。地区节点配置 [replication] 后会出现在这里。",
  "region.name": "地区", "region.health": "状态", "region.line": "线路", "region.connected": "已连接", "region.disconnected": "未连接", "region.lag-entries": "落后条数", "region.lag-bytes": "落后字节", "region.lag-seconds": "落后时间", "region.epoch": "纪元", "region.open": "未完成", "region.orders": "今日订单",
  "region.fenced-why": "节点被隔离：{reason}", "region.other-fenced": "另一个节点被拒绝：{reason}", "region.unknown": "没有名为“{name}”的地区",
  "line.title": "与中心的线路", "line.heard": "最近收到", "line.last": "已收到序号", "line.applied": "已处理序号", "line.reason": "中心的说明：", "line.since": "自 {time}", "line.gap": "{from} 至 {to} 之间有 {count} 条记录从未到达中心。", "line.gap-help": "离线太久，本地区的日志已达上限；这段时间的订单和数字不完整。此前未完成、其间结束的订单保持最后看到的样子。", "line.fenced-help": "被隔离的节点不再接单，直到从中心恢复并获得新的纪元，或确认哪一份数据是真的。", "line.other-help": "本地区仍在营业；被拒绝的是同一地区的另一个节点，请停掉它。",
  "fence.epoch-superseded": "纪元已被更新的节点取代", "fence.behind-centre": "节点的数据比中心旧", "fence.other-history": "节点的历史与中心不同", "fence.epoch-not-granted": "节点的纪元未经中心授予",
  "cause.log-failed": "中心保存该地区日志的磁盘出错", "cause.applying-ended": "中心已停止处理该地区的数据", "cause.applying-waits": "中心在等待存储，数据未更新", "cause.applying-behind": "中心处理较慢，数据落后 {span}", "cause.copy-broken": "中心保存的该地区副本无法使用", "cause.copy-damaged": "中心保存的该地区副本有损坏", "cause.behind": "落后 {span}",
  "cause.node-fenced": "有节点被拒绝", "cause.needs-seed": "需要先传送快照才能继续", "cause.never-connected": "尚未连接过", "cause.line-down": "已断开 {span}",

  "ranking.title": "门店排行", "ranking.by": "排序", "by.wait": "等待", "by.rejected": "拒单", "by.orders": "订单", "ranking.none-wait": "没有门店在等待", "ranking.none-rejected": "今天没有拒单", "ranking.none-orders": "今天还没有订单",
  "wait.minutes": "{minutes} 分钟", "wait.mean": "今日平均 {span}", "rejected.share": "占已支付 {share}", "open.count": "未完成 {count}",
  "stores-of.title": "门店 {count}", "stores.cut": "显示前 {shown} 家，共 {all} 家；可用搜索缩小范围",
  "store.name": "门店", "store.state": "状态", "store.selling": "营业中", "store.until": "至 {time}", "store.wait": "预计等待", "store.wait-today": "今日平均", "store.open": "未完成", "store.orders": "今日订单", "store.revenue": "营业额", "store.rejected": "拒单", "store.stock-outs": "售罄", "store.sold-out": "售罄：{items}", "store.unknown": "没有编号为“{name}”的门店",
  "stock-outs.title": "售罄", "stock-outs.none": "没有售罄的餐品", "stock-outs.cut": "另有 {count} 项未列出", "show.rest": "其余 {count} 项",
  "campaigns.title": "活动消耗", "campaigns.none": "没有进行中的活动", "campaign.used": "已领 {claimed} / {quota}",
  "burn.ended": "已结束", "burn.gone": "已领完", "burn.starts": "{time} 开始", "burn.measuring": "正在测算速度…", "burn.still": "近几分钟无人领取", "burn.lasts": "每分钟 {rate}，可用到活动结束", "burn.at": "每分钟 {rate}，约 {time} 领完（{span}后）", "burn.in": "每分钟 {rate}，约 {span}后领完",

  "orders.title": "订单", "orders.all": "全部订单", "orders.of": "{name} 的订单", "orders.none": "没有符合条件的订单", "orders.none-yet": "最近的订单中没有符合条件的，可继续往前查找", "orders.as-of": "截至 {time}", "orders.refresh": "刷新",
  "filter.title": "筛选订单", "filter.status": "状态", "filter.store": "门店", "filter.from": "下单时间从", "filter.to": "到（不含）", "filter.all": "全部", "filter.clear": "清除筛选",
  "hq.awaiting_payment": "待支付", "hq.paid": "待接单", "hq.accepted": "制作中", "hq.ready": "待取餐", "hq.collected": "已取餐", "hq.cancelled": "已取消", "hq.rejected": "已拒单",
  "hq.token-hint": "由管理员发放的总部令牌（角色 operator），粘贴到这里；只保存在此标签页。", "hq.token-bad": "令牌无效、已过期，或不是总部令牌。", "hq.open": "打开看板",
  "order.id": "订单号", "order.contents": "明细", "order.created": "下单时间", "order.dishes": "餐品", "order.dish": "餐品", "order.amount": "金额", "order.quantity": "数量", "order.unit-price": "单价", "order.payable": "实付", "order.day": "营业日", "order.member": "会员", "order.wait-was": "等待时间", "order.why": "原因",
  "refunded.pending": "退款中", "refunded.succeeded": "已退款", "refunded.failed": "退款失败",
  "history.title": "经过", "history.none": "没有可用的经过记录", "history.cut": "较早或较晚的记录未能全部找到", "history.after": "{span}后", "history.trace": "序号 {sequence} · 请求 {request}",
  "event.placed": "下单", "event.paid": "支付", "event.accepted": "接单", "event.ready": "出餐", "event.collected": "取餐", "event.cancelled": "取消", "event.rejected": "拒单", "event.refund_pending": "开始退款", "event.refund_succeeded": "退款成功", "event.refund_failed": "退款失败",
  "actor.customer": "顾客", "actor.store": "门店", "actor.operator": "总部", "actor.provider": "支付平台", "actor.node": "系统",

  "problem.store-unavailable": "中心的存储暂不可用，请稍后再试",
};

const en = {
  "page.dashboard": "Headquarters", "crumbs": "You are here",
  "age.live": "Live", "age.late": "{span} old", "age.as-of": "as of {time}", "age.lost": "{span} old", "age.lost-why": "line cut, reconnecting", "age.never": "No line to the centre", "age.never-why": "trying again", "age.connecting": "Connecting…", "age.not-kept": "Line cut; nothing of this was kept",
  "age.cut": "Line cut", "age.was-cut": "The line to the centre is cut, reconnecting; the last figures stay", "age.is-back": "The line is back; figures are live",
  "overall.green": "All well", "overall.yellow": "Needs a look", "overall.red": "Something is wrong", "overall.unknown": "No data yet", "overall.none": "no region has connected yet", "overall.all": "every region ({count})", "overall.was": "before the line was cut: {why}", "overall.more": "{why}; and {count} more",
  "level.green": "Fine", "level.yellow": "Attention", "level.red": "Fault", "level.unknown": "Unknown",

  "figure.orders": "Orders today", "figure.revenue": "Revenue today", "figure.open": "Open orders", "figure.wait": "Mean wait", "figure.rejected": "Rejected",
  "figure.minute": "this minute {value}", "figure.paid": "{value} paid", "figure.open-note": "new {paid} · being made {accepted} · ready {ready}", "figure.wait-note": "paid to ready, today", "figure.rejected-note": "{share} of paid · {cancelled} cancelled", "figure.stores": "{count} stores",

  "tools.window": "Window", "tools.compare": "Compare", "tools.metric": "Metric", "tools.table": "Table",
  "window.1h": "1 hour", "window.1d": "24 hours", "window.7d": "7 days", "compare.day": "Yesterday", "compare.week": "Last week", "compare.none": "None",
  "metric.orders": "Orders", "metric.paid": "Paid", "metric.rejected": "Rejected", "metric.wait": "Wait", "metric.revenue": "Revenue", "metric.mean": "mean {per}",
  "per.1h": "per minute", "per.1d": "per 5 minutes", "per.7d": "per hour", "within.1h": "in the last hour", "within.1d": "in the last 24 hours", "within.7d": "in the last 7 days", "before.day": "yesterday", "before.week": "last week",
  "curve.currencies": "Regions have different currencies; open a region to see its revenue", "curve.change": "{change} on {before}", "chart.steps": "{title}: step through with the arrow keys", "chart.running": "so far", "chart.time": "Time",
  "span.seconds": "{seconds} s", "span.minutes": "{minutes} min {seconds} s", "span.hours": "{hours} h {minutes} min", "span.days": "{days} d {hours} h", "span.short": "{minutes} min",

  "funnel.title": "Today’s funnel", "funnel.placed": "Placed", "funnel.paid": "Paid", "funnel.accepted": "Accepted", "funnel.collected": "Collected", "funnel.of-placed": "of all", "funnel.of-before": "{share} of the step before", "funnel.lost": "On the way: {cancelled} cancelled, {rejected} rejected; the rest is under way",

  "regions.title": "Regions", "regions.none": "No region has connected yet. A node appears here once its [replication] is configured.",
  "region.name": "Region", "region.health": "Health", "region.line": "Line", "region.connected": "connected", "region.disconnected": "not connected", "region.lag-entries": "Lag, entries", "region.lag-bytes": "Lag, bytes", "region.lag-seconds": "Lag, time", "region.epoch": "Epoch", "region.open": "Open", "region.orders": "Orders today",
  "region.fenced-why": "its node is fenced: {reason}", "region.other-fenced": "another node is refused: {reason}", "region.unknown": "There is no region called “{name}”",
  "line.title": "Line to the centre", "line.heard": "Last heard", "line.last": "Received up to", "line.applied": "Applied up to", "line.reason": "In the centre’s words:", "line.since": "since {time}", "line.gap": "{count} entries between {from} and {to} never reached the centre.", "line.gap-help": "It was away for so long that the region’s log was full: orders and figures of that time are incomplete. Orders that were open before and ended in it stay as they were last seen.", "line.fenced-help": "A fenced node takes no orders until it is restored from the centre under a new epoch, or somebody has settled which copy is the true one.", "line.other-help": "The region goes on selling; it is another node of the same region that is refused. Stop that one.",
  "fence.epoch-superseded": "a node with a newer epoch took its place", "fence.behind-centre": "its data is older than the centre’s", "fence.other-history": "its history differs from the centre’s", "fence.epoch-not-granted": "the centre never granted its epoch",
  "cause.log-failed": "the centre’s disk for this region failed", "cause.applying-ended": "the centre no longer takes in this region", "cause.applying-waits": "the centre waits for its store; figures stand still", "cause.applying-behind": "the centre is slow to take it in; figures are {span} old", "cause.copy-broken": "the centre’s copy of this region can’t be used", "cause.copy-damaged": "the centre’s copy of this region is damaged", "cause.behind": "{span} behind",
  "cause.node-fenced": "a node is refused", "cause.needs-seed": "a snapshot must be shipped before it can go on", "cause.never-connected": "has not connected yet", "cause.line-down": "not connected for {span}",

  "ranking.title": "Stores, worst first", "ranking.by": "Sort", "by.wait": "Wait", "by.rejected": "Rejections", "by.orders": "Orders", "ranking.none-wait": "Nobody waits anywhere", "ranking.none-rejected": "No rejections today", "ranking.none-orders": "No orders yet today",
  "wait.minutes": "{minutes} min", "wait.mean": "mean today {span}", "rejected.share": "{share} of paid", "open.count": "{count} open",
  "stores-of.title": "Stores {count}", "stores.cut": "The first {shown} of {all}; search to narrow down",
  "store.name": "Store", "store.state": "State", "store.selling": "selling", "store.until": "until {time}", "store.wait": "Wait now", "store.wait-today": "Mean today", "store.open": "Open", "store.orders": "Orders today", "store.revenue": "Revenue", "store.rejected": "Rejected", "store.stock-outs": "Sold out", "store.sold-out": "Sold out: {items}", "store.unknown": "There is no store “{name}” here",
  "stock-outs.title": "Sold out", "stock-outs.none": "Nothing is sold out", "stock-outs.cut": "{count} more are not listed", "show.rest": "{count} more",
  "campaigns.title": "Campaign burn", "campaigns.none": "No campaign is running", "campaign.used": "{claimed} of {quota} claimed",
  "burn.ended": "has ended", "burn.gone": "all claimed", "burn.starts": "starts {time}", "burn.measuring": "measuring the rate…", "burn.still": "nobody claimed in the last minutes", "burn.lasts": "{rate} a minute, lasts to its end", "burn.at": "{rate} a minute, used up about {time} (in {span})", "burn.in": "{rate} a minute, used up in about {span}",

  "orders.title": "Orders", "orders.all": "All orders", "orders.of": "Orders of {name}", "orders.none": "No order matches", "orders.none-yet": "None among the newest orders; look further back", "orders.as-of": "as of {time}", "orders.refresh": "Refresh",
  "filter.title": "Filter orders", "filter.status": "Status", "filter.store": "Store", "filter.from": "Placed from", "filter.to": "before", "filter.all": "All", "filter.clear": "Clear filters",
  "hq.awaiting_payment": "Unpaid", "hq.paid": "New", "hq.accepted": "Being made", "hq.ready": "Ready", "hq.collected": "Collected", "hq.cancelled": "Cancelled", "hq.rejected": "Rejected",
  "hq.token-hint": "A headquarters token (role operator) from your administrator; paste it here. It stays in this tab only.", "hq.token-bad": "This token is not valid, has expired, or is not a headquarters token.", "hq.open": "Open the dashboard",
  "order.id": "Order", "order.contents": "Contents", "order.created": "Placed", "order.dishes": "Dishes", "order.dish": "Dish", "order.amount": "Amount", "order.quantity": "Quantity", "order.unit-price": "Unit price", "order.payable": "Payable", "order.day": "Business day", "order.member": "Member", "order.wait-was": "Waited", "order.why": "Reason",
  "refunded.pending": "Refund under way", "refunded.succeeded": "Refunded", "refunded.failed": "Refund failed",
  "history.title": "History", "history.none": "No history is kept", "history.cut": "Not everything that happened was found", "history.after": "{span} later", "history.trace": "sequence {sequence} · request {request}",
  "event.placed": "Placed", "event.paid": "Paid", "event.accepted": "Accepted", "event.ready": "Ready", "event.collected": "Collected", "event.cancelled": "Cancelled", "event.rejected": "Rejected", "event.refund_pending": "Refund begun", "event.refund_succeeded": "Refunded", "event.refund_failed": "Refund failed",
  "actor.customer": "customer", "actor.store": "store", "actor.operator": "headquarters", "actor.provider": "payment provider", "actor.node": "the node",

  "problem.store-unavailable": "The centre’s store is not available right now; please try again in a moment",
};

export const words = { zh, en };
