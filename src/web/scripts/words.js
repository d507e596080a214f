// Every word of the pages, in both languages under the same keys (tests/browser checks that none is missing).

const zh = {
  "brand": "取餐",
  "page.customer": "点餐", "page.pos": "收银台", "page.kitchen": "后厨", "page.screen": "叫号屏",
  "language.switch": "English", "skip": "跳到主要内容", "close": "关闭", "cancel": "取消", "again": "重试",
  "loading": "正在加载…", "more": "加载更多",

  "connection.idle": "", "connection.connecting": "连接中…", "connection.live": "实时连接",
  "connection.lost": "连接中断，{seconds} 秒前收到消息，每分钟自动查询", "connection.lost-never": "无法连接，正在重试",
  "connection.was-lost": "连接中断，正在重连", "connection.is-back": "连接已恢复",

  "stores.title": "选择门店", "stores.near": "查找附近门店", "stores.nearest-first": "已按距离排序", "stores.no-position": "无法获取位置，可以搜索门店",
  "stores.search": "搜索门店或城市", "stores.none": "没有找到门店", "stores.open": "营业中", "stores.closed": "休息中", "stores.paused": "暂停接单", "stores.wait": "约 {minutes} 分钟", "stores.recent": "最近去过",
  "offline.stores": "没有网络：这是上次看到的门店，恢复后自动更新", "offline.menu": "没有网络：这是上次看到的菜单，恢复后自动更新", "offline.orders": "没有网络：这是上次看到的订单，恢复后自动更新",
  "sound.on": "声音已开", "sound.off": "声音已关", "sound.blocked": "点一下屏幕打开声音",

  "menu.change-store": "换门店", "menu.categories": "分类", "menu.from": "{price} 起", "menu.choose": "选规格", "menu.add": "加入", "menu.sold-out": "已售罄", "menu.left": "仅剩 {count} 份", "menu.add-named": "加入 {item}",
  "menu.choose-named": "选规格：{item}", "menu.closed": "门店休息中，可以先看菜单", "menu.paused": "门店暂停接单，请稍后再来", "menu.added": "已加入：{item}",
  "offer.take": "{price} 立即领取", "offer.use": "使用优惠券", "offer.used": "已使用", "offer.in-cart": "已在购物车中", "offer.remaining": "还剩 {count} 份", "offer.title": "{item} 只要 {price}", "offer.was": "原价 {price}", "offer.applied": "优惠券已使用", "offer.gone": "已抢完",
  "choose.one": "必选一项", "choose.some": "请选 {min} 至 {max} 项", "choose.upto": "最多选 {max} 项", "choose.too-few": "“{group}”至少要选 {min} 项", "choose.quantity": "数量", "choose.less": "减少一份", "choose.more": "增加一份", "choose.add": "加入购物车 · {price}",

  "cart.title": "购物车", "cart.empty": "购物车是空的", "cart.show": "查看购物车：{count} 件", "cart.note": "备注", "cart.note-hint": "例如：少油，不要香菜", "cart.total": "合计", "cart.discount": "优惠", "cart.payable": "应付", "cart.place": "提交订单 · {price}", "cart.placing": "正在提交…", "cart.remove": "删除 {item}", "cart.less": "减少 {item}", "cart.more": "增加 {item}", "cart.coupon": "使用优惠券：{name}", "cart.back": "继续点餐", "cart.gone": "已不在菜单上",
  "sign-in.needed": "请从小程序打开本页，或粘贴访问令牌后下单。", "sign-in.paste": "粘贴令牌", "sign-in.bad": "令牌无效，或不是顾客令牌。",

  "order.number": "订单号 {id}", "order.code": "取餐码", "order.code-later": "商家接单后显示取餐码", "order.pay": "支付 {price}", "order.pay-sandbox": "沙盒支付，不会产生真实扣款", "order.pay-elsewhere": "请在小程序中完成支付", "order.pay-by": "请在 {time} 前支付", "order.paying": "正在支付…", "order.cancel": "取消订单", "order.cancel-sure": "确定取消这笔订单？已付金额会原路退回。", "order.keep": "保留订单", "order.wait": "预计还需", "order.minutes": "约 {minutes} 分钟", "order.any-moment": "马上就好", "order.ahead": "前面还有", "order.ahead-count": "{count} 单", "order.next": "轮到您了", "order.note": "备注", "order.menu": "查看菜单", "order.again-missing": "有 {count} 样已售罄或已变更，没有加入", "order.lines": "餐品", "order.progress": "进度", "order.again": "再点一单", "order.mine": "我的订单", "order.none": "还没有订单", "order.reason": "原因：{reason}", "order.tax": "含税 {price}",
  "step.placed": "下单", "step.paid": "支付", "step.accepted": "制作", "step.ready": "可取餐", "step.collected": "已取餐",
  "status.awaiting_payment": "待支付", "status.paid": "等待接单", "status.accepted": "制作中", "status.ready": "请取餐", "status.collected": "已取餐", "status.cancelled": "已取消", "status.rejected": "商家未接单",
  "refund.pending": "退款中：{price}", "refund.succeeded": "已退款：{price}", "refund.failed": "退款遇到问题，正在处理：{price}",
  "reason.payment_timeout": "超时未支付", "reason.store_timeout": "商家未及时接单", "reason.auto": "系统自动完成",

  "staff.store": "门店", "staff.start": "开始", "staff.choose": "选择门店开始工作", "staff.pages": "其他页面", "staff.token": "访问令牌", "staff.token-hint": "由管理员发放，粘贴到这里；只保存在此标签页。", "staff.token-bad": "令牌无效、已过期，或不是门店令牌。",
  "pos.new": "新订单", "pos.making": "制作中", "pos.ready": "待取餐", "pos.none": "暂无订单", "pos.accept": "接单", "pos.reject": "拒单", "pos.mark-ready": "出餐", "pos.collected": "已取走", "pos.minutes": "{minutes} 分钟", "pos.pause": "暂停接单", "pos.resume": "恢复接单", "pos.paused": "已暂停接单", "pos.accepting": "正在接单", "pos.paused-until": "暂停至 {time}", "pos.stock": "库存", "pos.orders": "订单", "pos.today": "今日订单", "pos.closed": "休息中", "pos.seen": "知道了", "pos.new-announce": "新订单：{count} 单待接", "pos.paid": "已付 {price}", "pos.accepted-announce": "取餐码 {code}",
  "today.search": "查找取餐码或订单号", "today.status": "状态", "today.all": "全部状态", "today.count": "共 {count} 单",
  "keys.title": "快捷键", "keys.pause": "暂停 / 恢复", "keys.find": "查找", "keys.next": "换一单", "keys.bump": "出餐 / 撤回", "keys.take-back": "撤回上一单", "keys.scroll": "翻页",
  "reject.title": "拒绝订单", "reject.why": "告诉顾客原因", "reject.sold-out": "餐品已售罄", "reject.busy": "门店太忙", "reject.closing": "即将打烊", "reject.other": "其他原因", "reject.send": "拒单并退款",
  "pause.title": "暂停接单", "pause.how-long": "暂停多久？", "pause.minutes": "{minutes} 分钟", "pause.open": "直到手动恢复",
  "stock.item": "餐品", "stock.available": "可售", "stock.reserved": "待付", "stock.sold": "已售", "stock.uncounted": "不限量", "stock.sold-out": "设为售罄", "stock.back": "恢复销售", "stock.back-title": "恢复销售：{item}", "stock.how-many": "可售数量（留空为不限量）", "stock.save": "保存", "stock.is-out": "售罄", "stock.count": "改数量", "stock.count-title": "可售数量：{item}", "stock.change": "操作",
  "kitchen.to-make": "待制作", "kitchen.waiting": "等待收银台接单", "kitchen.none": "没有待制作的订单", "kitchen.done": "出餐 {code}", "kitchen.late": "超时", "kitchen.count": "{count} 单", "kitchen.totals": "合计要做", "kitchen.take-back": "撤回（{seconds} 秒）", "kitchen.take-back-now": "撤回", "kitchen.sending": "正在发送…", "kitchen.unsent": "未送达，网络恢复后自动发送", "kitchen.new-announce": "待制作 {count} 单",
  "screen.preparing": "制作中", "screen.ready": "请取餐", "screen.none-ready": "暂无", "screen.announce": "请取餐：{codes}", "screen.voice": "请 {code} 号取餐",

  "problem.network": "连不上服务器，请检查网络后重试", "problem.unknown": "出了点问题，请重试", "problem.unauthenticated": "登录已失效，请重新打开", "problem.wrong-role": "当前身份不能进行此操作", "problem.not-found": "没有找到",
  "problem.out-of-stock": "{item}库存不足，还剩 {available} 份", "problem.unknown-item": "{item}已下架", "problem.unknown-store": "门店不存在", "problem.unknown-option": "规格已变更，请重新选择", "problem.store-closed": "门店已打烊", "problem.store-paused": "门店暂停接单", "problem.coupon-not-usable": "优惠券不可用", "problem.price-changed": "价格有变动，请确认新的金额", "problem.over-limit": "超出数量限制", "problem.quota-exhausted": "优惠券已抢完", "problem.campaign-closed": "活动未开始或已结束", "problem.idempotency-key-reused": "请重新提交订单", "problem.fulfilment-not-offered": "暂不支持该取餐方式", "problem.pickup-code-taken": "取餐码已被占用", "problem.wrong-status": "订单状态已是“{status}”", "problem.gone": "记录已过期", "problem.too-many-requests": "操作太频繁，请稍后再试", "problem.stock-not-counted": "该餐品不计库存", "problem.provider-unavailable": "支付服务暂不可用，请稍后再试", "problem.overloaded": "现在人太多了，请稍后再试", "problem.rebuilding": "历史订单正在整理，请稍后再试", "problem.disk-full": "暂时不能下单，请稍后再试", "problem.storage-failed": "暂时无法确认结果，请重试", "problem.fenced": "本地区暂停服务", "problem.shutting-down": "服务正在重启，请稍候",
};

const en = {
  "brand": "qucan",
  "page.customer": "Order", "page.pos": "POS", "page.kitchen": "Kitchen", "page.screen": "Pickup screen",
  "language.switch": "中文", "skip": "Skip to content", "close": "Close", "cancel": "Cancel", "again": "Try again",
  "loading": "Loading…", "more": "Show more",

  "connection.idle": "", "connection.connecting": "Connecting…", "connection.live": "Live",
  "connection.lost": "Connection lost, last heard {seconds} s ago; checking every minute", "connection.lost-never": "Cannot connect, trying again",
  "connection.was-lost": "Connection lost, reconnecting", "connection.is-back": "Connected again",

  "stores.title": "Choose a store", "stores.near": "Find stores near me", "stores.nearest-first": "Nearest first", "stores.no-position": "Your position is not available; search instead",
  "stores.search": "Search store or city", "stores.none": "No store found", "stores.open": "Open", "stores.closed": "Closed", "stores.paused": "Paused", "stores.wait": "about {minutes} min", "stores.recent": "Last visited",
  "offline.stores": "No connection: these are the stores as last seen; they update by themselves", "offline.menu": "No connection: this is the menu as last seen; it updates by itself", "offline.orders": "No connection: these are your orders as last seen; they update by themselves",
  "sound.on": "Sound on", "sound.off": "Sound off", "sound.blocked": "Touch the screen for sound",

  "menu.change-store": "Change store", "menu.categories": "Categories", "menu.from": "from {price}", "menu.choose": "Choose", "menu.add": "Add", "menu.sold-out": "Sold out", "menu.left": "{count} left", "menu.add-named": "Add {item}",
  "menu.choose-named": "Choose options of {item}", "menu.closed": "This store is closed now; you can look at the menu", "menu.paused": "This store takes no orders for the moment", "menu.added": "Added: {item}",
  "offer.take": "Get it for {price}", "offer.use": "Use my coupon", "offer.used": "Used", "offer.in-cart": "In your cart", "offer.remaining": "{count} left", "offer.title": "{item} for {price}", "offer.was": "instead of {price}", "offer.applied": "Coupon applied", "offer.gone": "All taken",
  "choose.one": "Choose one", "choose.some": "Choose {min} to {max}", "choose.upto": "Up to {max}", "choose.too-few": "Choose at least {min} of “{group}”", "choose.quantity": "Quantity", "choose.less": "One less", "choose.more": "One more", "choose.add": "Add to cart · {price}",

  "cart.title": "Cart", "cart.empty": "Your cart is empty", "cart.show": "Show cart, items: {count}", "cart.note": "Note", "cart.note-hint": "For example: less oil, no coriander", "cart.total": "Total", "cart.discount": "Discount", "cart.payable": "To pay", "cart.place": "Place order · {price}", "cart.placing": "Placing the order…", "cart.remove": "Remove {item}", "cart.less": "One {item} less", "cart.more": "One {item} more", "cart.coupon": "Use coupon: {name}", "cart.back": "Back to the menu", "cart.gone": "no longer on the menu",
  "sign-in.needed": "Open this page from the mini-program, or paste an access token, to order.", "sign-in.paste": "Paste a token", "sign-in.bad": "This token is not valid, or not a customer's.",

  "order.number": "Order {id}", "order.code": "Pickup code", "order.code-later": "Your code appears here as soon as the store accepts", "order.pay": "Pay {price}", "order.pay-sandbox": "Sandbox: no real money moves", "order.pay-elsewhere": "Please pay in the mini-program", "order.pay-by": "Please pay by {time}", "order.paying": "Paying…", "order.cancel": "Cancel order", "order.cancel-sure": "Cancel this order? What you paid is refunded.", "order.keep": "Keep it", "order.wait": "Ready in about", "order.minutes": "{minutes} min", "order.any-moment": "any moment", "order.ahead": "Orders before yours", "order.ahead-count": "{count}", "order.next": "You are next", "order.note": "Note", "order.menu": "To the menu", "order.again-missing": "{count} of them sold out or changed and not added", "order.lines": "Your meal", "order.progress": "Progress", "order.again": "Order again", "order.mine": "My orders", "order.none": "No orders yet", "order.reason": "Reason: {reason}", "order.tax": "includes {price} tax",
  "step.placed": "Ordered", "step.paid": "Paid", "step.accepted": "Making", "step.ready": "Ready", "step.collected": "Collected",
  "status.awaiting_payment": "Waiting for payment", "status.paid": "Waiting for the store", "status.accepted": "Being made", "status.ready": "Ready to collect", "status.collected": "Collected", "status.cancelled": "Cancelled", "status.rejected": "Declined by the store",
  "refund.pending": "Refund of {price} under way", "refund.succeeded": "{price} refunded", "refund.failed": "The refund of {price} met a problem; we are on it",
  "reason.payment_timeout": "not paid in time", "reason.store_timeout": "the store did not answer in time", "reason.auto": "completed automatically",

  "staff.store": "Store", "staff.start": "Start", "staff.choose": "Choose a store to begin", "staff.pages": "Other pages", "staff.token": "Access token", "staff.token-hint": "From your administrator; paste it here. It stays in this tab only.", "staff.token-bad": "This token is not valid, has expired, or is not a store's token.",
  "pos.new": "New", "pos.making": "Being made", "pos.ready": "Ready", "pos.none": "Nothing here", "pos.accept": "Accept", "pos.reject": "Reject", "pos.mark-ready": "Ready", "pos.collected": "Collected", "pos.minutes": "{minutes} min", "pos.pause": "Pause orders", "pos.resume": "Resume orders", "pos.paused": "Orders paused", "pos.accepting": "Taking orders", "pos.paused-until": "Paused until {time}", "pos.stock": "Stock", "pos.orders": "Orders", "pos.today": "Today", "pos.closed": "Closed", "pos.seen": "Seen", "pos.new-announce": "New orders waiting: {count}", "pos.paid": "Paid {price}", "pos.accepted-announce": "Pickup code {code}",
  "today.search": "Find pickup code or order number", "today.status": "Status", "today.all": "Every status", "today.count": "Orders: {count}",
  "keys.title": "Keys", "keys.pause": "Pause / resume", "keys.find": "Find", "keys.next": "Other order", "keys.bump": "Ready / take back", "keys.take-back": "Take the last one back", "keys.scroll": "Page",
  "reject.title": "Reject order", "reject.why": "Tell the customer why", "reject.sold-out": "Sold out", "reject.busy": "Too busy", "reject.closing": "About to close", "reject.other": "Another reason", "reject.send": "Reject and refund",
  "pause.title": "Pause orders", "pause.how-long": "For how long?", "pause.minutes": "{minutes} minutes", "pause.open": "Until I resume",
  "stock.item": "Item", "stock.available": "Available", "stock.reserved": "Reserved", "stock.sold": "Sold", "stock.uncounted": "not counted", "stock.sold-out": "Sell out", "stock.back": "Sell again", "stock.back-title": "Sell again: {item}", "stock.how-many": "How many (empty: not counted)", "stock.save": "Save", "stock.is-out": "Sold out", "stock.count": "Set count", "stock.count-title": "How many are left: {item}", "stock.change": "Change",
  "kitchen.to-make": "To make", "kitchen.waiting": "Waiting for the POS", "kitchen.none": "Nothing to make", "kitchen.done": "Ready {code}", "kitchen.late": "late", "kitchen.count": "{count}", "kitchen.totals": "All together", "kitchen.take-back": "Take back ({seconds} s)", "kitchen.take-back-now": "Take back", "kitchen.sending": "Sending…", "kitchen.unsent": "Not sent yet; it goes out when the line is back", "kitchen.new-announce": "Tickets to make: {count}",
  "screen.preparing": "Preparing", "screen.ready": "Please collect", "screen.none-ready": "None yet", "screen.announce": "Please collect: {codes}", "screen.voice": "Number {code}, please collect",

  "problem.network": "The server can't be reached. Check your connection and try again", "problem.unknown": "Something went wrong. Please try again", "problem.unauthenticated": "Your session has ended. Please open the page again", "problem.wrong-role": "You are not allowed to do this", "problem.not-found": "Not found",
  "problem.out-of-stock": "Not enough {item}: {available} left", "problem.unknown-item": "{item} is no longer sold here", "problem.unknown-store": "There is no such store", "problem.unknown-option": "The options have changed; please choose again", "problem.store-closed": "The store is closed", "problem.store-paused": "The store takes no orders for the moment", "problem.coupon-not-usable": "The coupon can't be used", "problem.price-changed": "The price has changed; please check the new amount", "problem.over-limit": "That is more than is allowed", "problem.quota-exhausted": "All coupons are taken", "problem.campaign-closed": "The promotion is not open now", "problem.idempotency-key-reused": "Please place the order again", "problem.fulfilment-not-offered": "This way of collecting is not offered", "problem.pickup-code-taken": "The pickup code is in use", "problem.wrong-status": "The order is already “{status}”", "problem.gone": "This record has expired", "problem.too-many-requests": "Too many requests; please try again in a moment", "problem.stock-not-counted": "This item is not counted", "problem.provider-unavailable": "Payment is not available right now; please try again in a moment", "problem.overloaded": "Too busy right now; please try again in a moment", "problem.rebuilding": "Past orders are being sorted; please try again in a moment", "problem.disk-full": "No orders can be taken right now; please try later", "problem.storage-failed": "The outcome is not certain yet; please try again", "problem.fenced": "This region is not serving right now", "problem.shutting-down": "The service is restarting; one moment",
};

export const words = { zh, en };

/** Category headings that menus commonly use, in the order in which menus are read, with their English names. */
export const categories = {
  "套餐": "Set meals", "早餐": "Breakfast", "主食": "Mains", "汉堡": "Burgers", "面": "Noodles", "饭": "Rice", "汤": "Soups", "小吃": "Snacks", "甜品": "Desserts", "饮料": "Drinks", "咖啡": "Coffee", "茶": "Tea",
};
